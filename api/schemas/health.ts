/** What probes and operators read. */
import { z } from 'zod';
import { componentNames } from '../../engine';
import { answerSchema, timestamp } from './components';

export const healthView = answerSchema('Health', z.object({ status: z.literal('ok'), time: timestamp }));

export const componentHealthView = answerSchema(
  'ComponentHealth',
  z.object({
    name: z.enum(componentNames),
    status: z.enum(['ok', 'degraded', 'down']),
    latency_ms: z.number(),
    detail: z.string(),
  }),
);

export const detailedHealthView = answerSchema(
  'DetailedHealth',
  z.object({
    status: z.enum(['ok', 'degraded']),
    time: timestamp,
    components: z.array(componentHealthView),
  }),
);

export const versionView = answerSchema(
  'Version',
  z.object({ name: z.literal('vm-webhoster'), version: z.string(), api_version: z.literal('v1') }),
);
