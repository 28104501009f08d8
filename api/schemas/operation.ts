/** Operations, their steps and their events, as the API shows them. */
import { z } from 'zod';
import { errorCodes, operationKinds, operationStatuses } from '../../engine';
import { aUuid, answerSchema, moment, named, text, told } from './components';
import { says } from './field-message';
import { next, page } from './page';

export const failureView = answerSchema(
  'Failure',
  z.object({
    code: told(z.enum(errorCodes), 'For programs', 'guest_unreachable'),
    message: text('For people: what went wrong, and what to do', 'The VM did not answer in time'),
  }),
  'Why it failed',
);

export const operationView = answerSchema(
  'Operation',
  z.object({
    id: named('Of the operation'),
    kind: told(z.enum(operationKinds), 'What is done', 'create-hosting'),
    status: told(z.enum(operationStatuses), 'How far it is; `stuck` waits for somebody', 'succeeded'),
    hosting_id: told(named('').nullable(), 'What it is done to; null for a node or a dry run', aUuid),
    steps: z
      .array(
        z.object({
          name: text('As the operation calls it', 'apply'),
          status: told(
            z.enum(['pending', 'running', 'done', 'failed', 'undone', 'undo_failed']),
            'How far the step is',
            'done',
          ),
          tries: z
            .number()
            .int()
            .meta({
              description: 'How often it was begun; `started_at` is the first time',
              examples: [1],
            }),
          started_at: told(moment('').nullable(), 'null before it was begun'),
          finished_at: told(moment('').nullable(), 'null before it ended'),
        }),
      )
      .meta({ description: 'In their order' }),
    failure: failureView
      .nullable()
      .meta({ description: 'null unless it failed or is stuck', examples: [null] }),
    cancel_requested: told(z.boolean(), 'Somebody asked it to stop', false),
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
    created_at: moment('When it was accepted'),
    started_at: told(moment('').nullable(), 'null while it waits'),
    finished_at: told(moment('').nullable(), 'null before it ended'),
  }),
  'Something that was asked for, made of steps',
);

export const operationAnswer = answerSchema('OperationAnswer', z.object({ operation: operationView }));

export const listedOperationView = answerSchema(
  'ListedOperation',
  operationView.extend({
    user_id: told(z.int().nullable(), 'Who asked; null for the service and the machine', 1),
    vm_id: z
      .string()
      .nullable()
      .meta({ description: 'Name of the VM; null where there is none', examples: ['vm-1a2b3c4d'] }),
  }),
);

export const operationList = answerSchema(
  'OperationList',
  z.object({
    operations: z.array(listedOperationView).meta({ description: 'Newest first' }),
    next,
  }),
);

export const operationEventView = answerSchema(
  'OperationEvent',
  z.object({
    operation_id: named('Whose event it is'),
    at: moment('When it happened'),
    type: text('For programs', 'step.done'),
    message: text('For people', 'apply done'),
    data: told(z.record(z.string(), z.unknown()), 'What belongs to the type', { step: 'apply' }),
  }),
);

/** Whatever is no UUID (and below, no number that fits Postgres' integer) would be an error of the database. */
const operationId = z.guid(says('identifier_invalid'));
const eventId = z.string().regex(/^[0-9]{1,9}$/, says('identifier_invalid'));

export const operationParams = z.strictObject({
  id: operationId.meta({ description: 'Of the operation' }),
});

export const operationQuery = z.strictObject({
  status: told(z.enum(operationStatuses).optional(), 'Only those that are so far', 'stuck'),
  ...page(),
});

export const eventHeaders = z.strictObject({
  'last-event-id': eventId.optional().meta({ description: 'The last event seen; only later ones are sent.' }),
});
