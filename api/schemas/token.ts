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
  .meta({ description: 'What the token gives access to', uniqueItems: true, examples: [['hosting:read']] });

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
      .meta({ description: 'A name for your own reference', examples: ['backup script'] }),
    scopes,
    expires_in_days: z
      .number()
      .int(says('token_days_invalid'))
      .min(1, says('token_days_invalid'))
      .max(DAYS_MAX, says('token_days_invalid'))
      .default(90)
      .meta({ description: 'Days until the token expires', examples: [90] }),
  }),
);

export const apiTokenView = answerSchema(
  'ApiToken',
  z.object({
    id: named('Token ID, for revoking it'),
    name: text('The name that you gave it', 'backup script'),
    prefix: text('The first characters of the token', 'whk_Ab3dE6gH'),
    scopes: told(z.array(z.enum(tokenScopes)), 'What the token gives access to', ['hosting:read']),
    created_at: moment('When the token was created'),
    expires_at: moment('When the token expires'),
    last_used_at: told(
      moment('').nullable(),
      'When the token was last used, to the minute; null if it never was',
    ),
  }),
  'A personal API token, without the secret itself',
);

export const madeToken = answerSchema(
  'MadeApiToken',
  z.object({
    token: text('Returned only once; send it as a bearer token', 'whk_Ab3dE6gH…'),
    api_token: apiTokenView,
  }),
);

export const tokenList = answerSchema(
  'ApiTokenList',
  z.object({
    api_tokens: z.array(apiTokenView).meta({ description: 'The tokens, newest first; at most 50' }),
  }),
);

export const tokenParams = z.strictObject({
  id: z.guid(says('identifier_invalid')).meta({ description: 'Token ID, as in the list' }),
});
