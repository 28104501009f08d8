/** Operations, their steps and their events, as the API shows them. */
import { z } from 'zod';
import { errorCodes } from '../../engine';
import { answerSchema, timestamp } from './components';
import { says } from './field-message';

export const failureView = answerSchema(
  'Failure',
  z.object({ code: z.enum(errorCodes), message: z.string() }),
);

export const operationView = answerSchema(
  'Operation',
  z.object({
    id: z.string(),
    kind: z.enum(['create-hosting', 'delete-hosting', 'prepare-node', 'remove-node']),
    status: z.enum(['pending', 'running', 'succeeded', 'unwinding', 'failed', 'stuck']),
    hosting_id: z.string().nullable(),
    steps: z.array(
      z.object({
        name: z.string(),
        status: z.enum(['pending', 'running', 'done', 'failed', 'undone', 'undo_failed']),
        started_at: timestamp.nullable(),
        finished_at: timestamp.nullable(),
      }),
    ),
    failure: failureView.nullable(),
    cancel_requested: z.boolean(),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    finished_at: timestamp.nullable(),
  }),
);

export const operationAnswer = answerSchema('OperationAnswer', z.object({ operation: operationView }));

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

export const eventHeaders = z.strictObject({
  'last-event-id': eventId.optional().meta({ description: 'The last event seen; only later ones are sent.' }),
});
