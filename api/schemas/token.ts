/** Personal API tokens. */
import { z } from 'zod';
import { tokenScopes } from '../../engine';
import { answerSchema, moment, named, requestSchema, text, told } from './components';
import { says } from './field-message';

const LONGEST_NAME = 64;
const DAYS_MAX = 365;

const scopes = z
  .array(z.enum(tokenScopes))
  .min(1, says('token_scopes_invalid'))
  .max(tokenScopes.length, says('token_scopes_invalid'))
  .refine((given) => new Set(given).size === given.length, says('token_scopes_invalid'))
  .meta({ description: 'What it opens', uniqueItems: true, examples: [['hosting:read']] });

export const tokenRequest = requestSchema(
  'ApiTokenRequest',
  z.strictObject({
    name: z
      .string()
      .max(LONGEST_NAME, { error: says('token_name_invalid'), abort: true })
      // one name is one text, however the keyboard composes it
      .overwrite((typed) => typed.trim().normalize('NFC'))
      // what is shown in tables: no control characters, no line breaks of any kind, no half of a surrogate pair, and
      // nothing that cannot be seen or turns the line around (soft hyphen, zero widths, directions, tags)
      .regex(
        /^[\u0020-\u007e\u00a0-\u00ac\u00ae-\u061b\u061d-\u180d\u180f-\u200a\u2010-\u2027\u202f-\u205f\u2070-\ud7ff\ue000-\ufdff\ufe10-\ufefe\uff00-\uffef]+$/,
        says('token_name_invalid'),
      )
      .meta({ description: 'What you will know it by', examples: ['backup script'] }),
    scopes,
    expires_in_days: z
      .number()
      .int(says('token_days_invalid'))
      .min(1, says('token_days_invalid'))
      .max(DAYS_MAX, says('token_days_invalid'))
      .default(90)
      .meta({ description: 'Days until it is refused', examples: [90] }),
  }),
);

export const apiTokenView = answerSchema(
  'ApiToken',
  z.object({
    id: named('To revoke it by'),
    name: text('What you know it by', 'backup script'),
    prefix: text('How it begins', 'whk_Ab3dE6gH'),
    scopes: told(z.array(z.enum(tokenScopes)), 'What it opens', ['hosting:read']),
    created_at: moment('When it was made'),
    expires_at: moment('From when on it is refused'),
    last_used_at: told(moment('').nullable(), 'To the minute; null before the first time'),
  }),
  'A personal API token, without what must stay secret',
);

export const madeToken = answerSchema(
  'MadeApiToken',
  z.object({
    token: text('Given here and never again; send it as a bearer token', 'whk_Ab3dE6gH…'),
    api_token: apiTokenView,
  }),
);

export const tokenList = answerSchema(
  'ApiTokenList',
  z.object({ api_tokens: z.array(apiTokenView).meta({ description: 'Newest first; 50 at most' }) }),
);

export const tokenParams = z.strictObject({
  id: z.guid(says('identifier_invalid')).meta({ description: 'Of the token, as the list has it' }),
});
