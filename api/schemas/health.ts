/** What probes and operators read. */
import { z } from 'zod';
import { componentNames } from '../../engine';
import { answerSchema, moment, text, told } from './components';

export const healthView = answerSchema(
  'Health',
  z.object({ status: told(z.literal('ok'), 'Requests are accepted'), time: moment('Of the service') }),
);

export const componentHealthView = answerSchema(
  'ComponentHealth',
  z.object({
    name: told(z.enum(componentNames), 'Of the part', 'postgres'),
    status: told(z.enum(['ok', 'degraded', 'down']), '`degraded`: it works, with limits', 'ok'),
    latency_ms: told(z.number(), 'How long it took to answer', 1.5),
    detail: text('What it is, or what to do about it', 'PostgreSQL 18.0'),
  }),
  'One part of the service',
);

export const detailedHealthView = answerSchema(
  'DetailedHealth',
  z.object({
    status: told(z.enum(['ok', 'degraded']), '`degraded`: some part is not ok', 'ok'),
    time: moment('Of the service'),
    components: z
      .array(componentHealthView)
      .optional()
      .meta({ description: 'Every part; for administrators and METRICS_TOKEN only' }),
  }),
);

export const versionView = answerSchema(
  'Version',
  z.object({
    name: told(z.literal('vm-webhoster'), 'Of the program'),
    version: text('Of the program', '0.1.0'),
    api_version: told(z.literal('v1'), 'Of this interface'),
  }),
);
