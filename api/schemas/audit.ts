/** The audit log, a page at a time. */
import { z } from 'zod';
import { errorCodes } from '../../engine';
import { httpErrorCodes } from '../http-error';
import { answerSchema, timestamp } from './components';
import { says } from './field-message';
import { next, page } from './page';
import { wholeNumber } from './whole-number';

/** Fits PostgreSQL's bigint. */
const entryId = z.string().regex(/^[0-9]{1,18}$/, says('identifier_invalid'));

export const auditQuery = z.strictObject({
  user_id: wholeNumber(1, 2_147_483_647).optional(),
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
    id: z.string(),
    at: timestamp,
    user_id: z.number().int().nullable(),
    actor: z.string(),
    via: z.enum(['session', 'token', 'none', 'machine']),
    action: z.string(),
    target: z.string().nullable(),
    outcome: z.enum(['begun', 'done', 'refused', 'failed']).meta({
      description: '`begun`: accepted and going on; the operation tells how it ended',
    }),
    code: z.enum([...errorCodes, ...httpErrorCodes]).nullable(),
    address: z.string().nullable(),
    request_id: z.string().nullable(),
  }),
);

export const auditPage = answerSchema(
  'AuditPage',
  z.object({
    entries: z.array(auditEntryView),
    next,
  }),
);
