/** The audit log, a page at a time. */
import { z } from 'zod';
import { errorCodes } from '../../engine';
import { httpErrorCodes } from '../http-error';
import { answerSchema, moment, text, told } from './components';
import { says } from './field-message';
import { next, page } from './page';
import { wholeNumber } from './whole-number';

/** Fits PostgreSQL's bigint. */
const entryId = z.string().regex(/^[0-9]{1,18}$/, says('identifier_invalid'));

export const auditQuery = z.strictObject({
  user_id: wholeNumber(1, 2_147_483_647)
    .optional()
    .meta({ description: 'Only entries of this user', examples: [1] }),
  action: z
    .string()
    .regex(/^[A-Za-z ]{1,64}$/, says('identifier_invalid'))
    .optional()
    .meta({
      description: 'Only entries of this action: an operationId, or the action of a command',
      examples: ['createHosting'],
    }),
  ...page(entryId),
});

export const auditEntryView = answerSchema(
  'AuditEntry',
  z.object({
    id: text('Entry ID; later entries have higher IDs', '1234'),
    at: moment('When the action ended, or was accepted if its outcome is `begun`'),
    user_id: told(z.int().nullable(), 'The user; null if nobody was signed in', 1),
    actor: text(
      'A username, `operator NAME` for commands on the machine, `the service`, or `anonymous`',
      'mina',
    ),
    via: told(z.enum(['session', 'token', 'none', 'machine']), 'How the actor was authenticated', 'session'),
    action: text('An operationId, or the action of a command', 'createHosting'),
    target: told(z.string().nullable(), 'The object of the action', '5f0c1f0e-0f7b-4f57-8f1c-0d8b3c1f2a3b'),
    outcome: z.enum(['begun', 'done', 'refused', 'failed']).meta({
      description: '`begun`: accepted and still running; the operation shows how it ended',
      examples: ['done'],
    }),
    code: told(
      z.enum([...errorCodes, ...httpErrorCodes]).nullable(),
      'Why the action was refused or failed',
      null,
    ),
    address: told(
      z.string().nullable(),
      'IP address of the client; `local` for the machine itself',
      '203.0.113.9',
    ),
    request_id: told(z.string().nullable(), 'Request ID, as in the log', 'f3c1a2b4'),
  }),
);

export const auditPage = answerSchema(
  'AuditPage',
  z.object({
    entries: z.array(auditEntryView).meta({ description: 'The entries, newest first' }),
    next,
  }),
);
