/** Operations, their steps and their events, as the API shows them. */
import { z } from 'zod';
import { errorCodes, errorTexts, operationKinds, operationStatuses } from '../../engine';
import { answerSchema, aUuid, moment, named, text, told, vmIdIfAny } from './components';
import { says } from './field-message';
import { next, page } from './page';

export const failureView = answerSchema(
  'Failure',
  z.object({
    code: told(z.enum(errorCodes), 'The error code', 'guest_unreachable'),
    message: text('For people: what went wrong and what to do about it', errorTexts.guest_unreachable.en),
  }),
  'Why it failed',
);

export const operationView = answerSchema(
  'Operation',
  z.object({
    id: named('Operation ID'),
    kind: told(z.enum(operationKinds), 'What the operation does', 'create-hosting'),
    status: told(
      z.enum(operationStatuses),
      'The state of the operation; `stuck`: someone has to resume it',
      'succeeded',
    ),
    hosting_id: told(
      named('').nullable(),
      'The hosting that the operation is about; null for a node or a dry run',
      aUuid,
    ),
    steps: z
      .array(
        z.object({
          name: text('Name of the step', 'apply'),
          status: told(
            z.enum(['pending', 'running', 'done', 'failed', 'undone', 'undo_failed']),
            'The state of the step',
            'done',
          ),
          tries: z
            .number()
            .int()
            .meta({
              description: 'How often the step was started; `started_at` is the first time',
              examples: [1],
            }),
          started_at: told(moment('').nullable(), 'When the step first started; null before that'),
          finished_at: told(moment('').nullable(), 'When the step ended; null before that'),
        }),
      )
      .meta({ description: 'The steps, in order' }),
    failure: failureView.nullable().meta({
      description: 'Why the operation failed or is stuck; null unless it did or is',
      examples: [null],
    }),
    cancel_requested: told(z.boolean(), 'Whether a cancellation was requested', false),
    owns: z.array(z.string()).meta({
      description: 'Resources that a stuck operation still holds; empty for all others',
      examples: [['domain vm-1a2b3c4d (running)', 'SSH port 10001']],
    }),
    queue_position: z
      .number()
      .int()
      .nullable()
      .meta({
        description: 'Position in the queue while the operation waits for a worker; 1 is next',
        examples: [3],
      }),
    estimated_seconds: z
      .number()
      .int()
      .nullable()
      .meta({
        description: 'Estimated seconds until the end, from such operations in the last hour',
        examples: [42],
      }),
    created_at: moment('When the operation was accepted'),
    started_at: told(moment('').nullable(), 'When a worker started the operation; null while it waits'),
    finished_at: told(moment('').nullable(), 'When the operation ended; null before that'),
  }),
  'A requested change, carried out in steps',
);

export const operationAnswer = answerSchema('OperationAnswer', z.object({ operation: operationView }));

export const listedOperationView = answerSchema(
  'ListedOperation',
  operationView.extend({
    user_id: told(
      z.int().nullable(),
      'Who requested it; null for the service and for commands on the machine',
      1,
    ),
    vm_id: vmIdIfAny,
    vm_name: z
      .string()
      .nullable()
      .meta({ description: 'Name of the VM; null if there is none', examples: ['vm-1a2b3c4d'] }),
  }),
);

export const operationList = answerSchema(
  'OperationList',
  z.object({
    operations: z.array(listedOperationView).meta({ description: 'The operations, newest first' }),
    next,
  }),
);

export const operationEventView = answerSchema(
  'OperationEvent',
  z.object({
    operation_id: named('ID of the operation'),
    at: moment('When the event happened'),
    type: text('The type of the event, for programs', 'step.done'),
    message: text('The event in words, for people', 'apply done'),
    data: told(z.record(z.string(), z.unknown()), 'Data that depends on the type', { step: 'apply' }),
  }),
);

/** Whatever is no UUID (and below, no number that fits Postgres' integer) would be an error of the database. */
const operationId = z.guid(says('identifier_invalid'));
const eventId = z.string().regex(/^[0-9]{1,9}$/, says('identifier_invalid'));

export const operationParams = z.strictObject({
  id: operationId.meta({ description: 'Operation ID' }),
});

export const operationQuery = z.strictObject({
  status: told(z.enum(operationStatuses).optional(), 'Only operations with this status', 'stuck'),
  ...page(),
});

export const eventHeaders = z.strictObject({
  'last-event-id': eventId
    .optional()
    .meta({ description: 'ID of the last event received; only later ones are sent' }),
});
