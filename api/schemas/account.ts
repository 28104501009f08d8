/** Who may sign up, with what, and what an account looks like from outside. */
import { z } from 'zod';
import { alike, isReservedUsername, longestEmail, lowerAscii, readEmail } from '../../engine';
import { answerSchema, moment, requestSchema, text, told, whole } from './components';
import { says } from './field-message';
import { isCommonPassword } from './refused-names';

/** With room for space around it. */
const EMAIL_MAX = longestEmail + 16;
const PASSWORD_MIN = 10;
/** Far above any passphrase; a bound because hashing costs time. */
export const PASSWORD_MAX = 128;

/** The length comes first and ends the check, so that no pattern runs over a long text. */
const email = z
  .string()
  .max(EMAIL_MAX, { error: says('email_too_long'), abort: true })
  .overwrite((typed) => readEmail(typed) ?? typed)
  .refine((value) => readEmail(value) === value, says('email_invalid'))
  .meta({
    format: 'email',
    pattern: '^\\s*[^\\s@]+@[^\\s@]+\\.[^\\s@]+\\s*$',
    description:
      'Surrounding white space is removed, and an international domain is converted to its xn-- form.',
    examples: ['mina@example.com'],
  });

/** As it is hashed, so that its length is that of what is typed, however the keyboard composes letters. */
export const composed = (typed: string): string => typed.normalize('NFC');

export const newPassword = z
  .string()
  .overwrite(composed)
  .min(PASSWORD_MIN, says('password_too_short'))
  .max(PASSWORD_MAX, { error: says('password_too_long'), abort: true })
  .refine((value) => !isCommonPassword(value), says('password_common'))
  .meta({
    format: 'password',
    description: 'Must not be a common password, your e-mail address or your username.',
  });

/** A username is also a DNS label: it cannot end with a dash, and `xn--` would let it pose in another script. */
const username = z
  .string()
  .max(64, { error: says('username_invalid'), abort: true })
  .overwrite((typed) => lowerAscii(typed.trim()))
  .refine((value) => /^[a-z][a-z0-9-]{1,30}[a-z0-9]$/.test(value), {
    error: says('username_invalid'),
    abort: true,
  })
  .refine((value) => value.slice(2, 4) !== '--', says('username_invalid'))
  .refine((value) => !isReservedUsername(value), says('username_reserved'))
  .meta({
    pattern: '^\\s*[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]\\s*$',
    description:
      'Your host name below the base domain; converted to lower case. Names that could stand for the service, its staff or its machines are reserved.',
    examples: ['mina'],
  });

export const registration = requestSchema(
  'Registration',
  z.strictObject({ email, password: newPassword, username }).superRefine((input, context) => {
    if (isOwnName(input.password, input)) {
      context.addIssue({ code: 'custom', path: ['password'], message: says('password_personal') });
    }
  }),
);

/** However it is capitalised, and whatever its letters' width. */
export function isOwnName(password: string, own: { email: string; username: string }): boolean {
  return alike(password, own.email) || alike(password, own.username);
}

/** The OAuth2 password flow: `scope` and the client fields are what generic clients send along, and are ignored. */
export const login = requestSchema(
  'Login',
  z.strictObject({
    username: z
      .string()
      .min(1, says('required'))
      .max(EMAIL_MAX, says('email_too_long'))
      .meta({ description: 'Your e-mail address', examples: ['mina@example.com'] }),
    password: z
      .string()
      .overwrite(composed)
      .min(1, says('required'))
      .max(PASSWORD_MAX, says('password_too_long'))
      .meta({ format: 'password', description: 'Your password; leading and trailing spaces are part of it' }),
    grant_type: told(z.literal('password').optional(), 'Sent by OAuth2 clients'),
    scope: told(z.string().max(1000).optional(), 'Ignored'),
    client_id: told(z.string().max(1000).optional(), 'Ignored'),
    client_secret: told(z.string().max(1000).optional(), 'Ignored'),
  }),
);

export const userView = answerSchema(
  'User',
  z.object({
    id: whole('User ID, which is also the number in your web path', 1),
    email: text('The e-mail address to sign in with', 'mina@example.com'),
    username: text('Your host name below the base domain', 'mina'),
    role: told(z.enum(['user', 'admin']), 'The permissions of the account', 'user'),
    created_at: moment('When the account was created'),
  }),
  'An account',
);

export const accountView = answerSchema('Account', z.object({ user: userView }));

export const tokenView = answerSchema(
  'Token',
  z.object({
    access_token: text('Send it as `Authorization: Bearer …`', 'eyJhbGciOiJIUzI1NiJ9.e30.…'),
    token_type: told(z.literal('bearer'), 'How the token is sent'),
    expires_in: whole('Seconds until the token expires', 86_400),
    user: userView,
  }),
  'A session',
);
