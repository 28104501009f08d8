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
    .meta({ description: 'Only what this user did', examples: [1] }),
  action: z
    .string()
    .regex(/^[A-Za-z ]{1,64}$/, says('identifier_invalid'))
    .optional()
    .meta({ description: 'An operationId, or what a command did', examples: ['createHosting'] }),
  ...page(entryId),
});

export const auditEntryView = answerSchema(
  'AuditEntry',
  z.object({
    id: text('Grows with every entry', '1234'),
    at: moment('When it ended, or began to go on'),
    user_id: told(z.int().nullable(), 'Who; null where nobody had signed in', 1),
    actor: text('A username, `operator NAME` of the machine, `the service`, or `anonymous`', 'mina'),
    via: told(z.enum(['session', 'token', 'none', 'machine']), 'What they proved themselves with', 'session'),
    action: text('An operationId, or what a command did', 'createHosting'),
    target: told(z.string().nullable(), 'What it was done to', '5f0c1f0e-0f7b-4f57-8f1c-0d8b3c1f2a3b'),
    outcome: z.enum(['begun', 'done', 'refused', 'failed']).meta({
      description: '`begun`: accepted and going on; the operation tells how it ended',
      examples: ['done'],
    }),
    code: told(z.enum([...errorCodes, ...httpErrorCodes]).nullable(), 'Why it was refused or failed', null),
    address: told(z.string().nullable(), 'From where; `local` for the machine itself', '203.0.113.9'),
    request_id: told(z.string().nullable(), 'Under which the log has it', 'f3c1a2b4'),
  }),
);

export const auditPage = answerSchema(
  'AuditPage',
  z.object({
    entries: z.array(auditEntryView).meta({ description: 'Newest first' }),
    next,
  }),
);
