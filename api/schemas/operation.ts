/** Operations, their steps and their events, as the API shows them. */
import { z } from 'zod';
import { errorCodes, operationKinds, operationStatuses } from '../../engine';
import { answerSchema, timestamp } from './components';
import { says } from './field-message';
import { next, page } from './page';

export const failureView = answerSchema(
  'Failure',
  z.object({ code: z.enum(errorCodes), message: z.string() }),
);

export const operationView = answerSchema(
  'Operation',
  z.object({
    id: z.string(),
    kind: z.enum(operationKinds),
    status: z.enum(operationStatuses),
    hosting_id: z.string().nullable(),
    steps: z.array(
      z.object({
        name: z.string(),
        status: z.enum(['pending', 'running', 'done', 'failed', 'undone', 'undo_failed']),
        tries: z
          .number()
          .int()
          .meta({
            description: 'How often it was begun; `started_at` is the first time',
            examples: [1],
          }),
        started_at: timestamp.nullable(),
        finished_at: timestamp.nullable(),
      }),
    ),
    failure: failureView.nullable(),
    cancel_requested: z.boolean(),
    owns: z.array(z.string()).meta({
      description: 'What a stuck operation still has hold of; empty for every other',
      examples: [['domain vm-1a2b3c4d (running)', 'SSH port 10001']],
    }),
    queue_position: z
      .number()
      .int()
      .nullable()
      .meta({
        description: 'While it waits for a worker: 1 is served next',
        examples: [3],
      }),
    estimated_seconds: z
      .number()
      .int()
      .nullable()
      .meta({
        description: 'Likely seconds until the end, by what such operations took in the last hour',
        examples: [42],
      }),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    finished_at: timestamp.nullable(),
  }),
);

export const operationAnswer = answerSchema('OperationAnswer', z.object({ operation: operationView }));

export const listedOperationView = answerSchema(
  'ListedOperation',
  operationView.extend({
    user_id: z.number().int().nullable(),
    vm_id: z
      .string()
      .nullable()
      .meta({ examples: ['vm-1a2b3c4d'] }),
  }),
);

export const operationList = answerSchema(
  'OperationList',
  z.object({ operations: z.array(listedOperationView), next }),
);

export const operationEventView = answerSchema(
  'OperationEvent',
  z.object({
    operation_id: z.string(),
    at: timestamp,
    type: z.string(),
    message: z.string(),
    data: z.record(z.string(), z.unknown()),
  }),
);

/** Whatever is no UUID (and below, no number that fits Postgres' integer) would be an error of the database. */
const operationId = z.guid(says('identifier_invalid'));
const eventId = z.string().regex(/^[0-9]{1,9}$/, says('identifier_invalid'));

export const operationParams = z.strictObject({ id: operationId });

export const operationQuery = z.strictObject({
  status: z.enum(operationStatuses).optional(),
  ...page(),
});

export const eventHeaders = z.strictObject({
  'last-event-id': eventId.optional().meta({ description: 'The last event seen; only later ones are sent.' }),
});
