/** What probes and operators read. */
import { z } from 'zod';
import { componentNames } from '../../engine';
import { answerSchema, moment, text, told } from './components';

export const healthView = answerSchema(
  'Health',
  z.object({
    status: told(z.literal('ok'), 'Requests are accepted'),
    time: moment('Current time of the service'),
  }),
);

export const componentHealthView = answerSchema(
  'ComponentHealth',
  z.object({
    name: told(z.enum(componentNames), 'Name of the component', 'postgres'),
    status: told(z.enum(['ok', 'degraded', 'down']), '`degraded`: it works, with limitations', 'ok'),
    latency_ms: told(z.number(), 'How long the check took, in milliseconds', 1.5),
    detail: text('What was found, or what to do about it', 'PostgreSQL 18.0'),
  }),
  'One component of the service',
);

export const detailedHealthView = answerSchema(
  'DetailedHealth',
  z.object({
    status: told(z.enum(['ok', 'degraded']), '`degraded`: at least one component is degraded', 'ok'),
    time: moment('Current time of the service'),
    components: z
      .array(componentHealthView)
      .optional()
      .meta({ description: 'Every component; only for administrators and holders of METRICS_TOKEN' }),
  }),
);

export const versionView = answerSchema(
  'Version',
  z.object({
    name: told(z.literal('vm-webhoster'), 'Name of the program'),
    version: text('Version of the program', '0.1.0'),
    api_version: told(z.literal('v1'), 'Version of this API'),
  }),
);
