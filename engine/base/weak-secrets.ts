/**
 * Secrets that only look secret: well-known ones, and those without randomness. A service that others can reach does not
 * start with one; development and tests can.
 */
/** Of 32 random characters, even of hexadecimal ones, fewer than this many different ones are never seen. */
const fewestCharacters = 8;
/** Words of examples and defaults. Random base64 of 64 characters holds one of them about once in 10^5. */
const known =
  /change.?me|replace|your.?(secret|key|password)|example|placeholder|default|password|secret|123456|qwerty/i;
/** What PostgreSQL images and tutorials come with. */
const databaseDefaults = new Set([
  '',
  'postgres',
  'password',
  'admin',
  'root',
  'secret',
  'changeme',
  'example',
  '123456',
]);
const leastCost = 10;

const remedy =
  'generate one with `openssl rand -base64 48`, or leave it unset and scripts/start.sh generates it';

interface Judged {
  readonly NODE_ENV: 'development' | 'test' | 'production';
  readonly JWT_SECRET: string;
  readonly JWT_OLD_SECRETS: readonly string[];
  readonly STATE_KEY: string;
  readonly STATE_OLD_KEYS: readonly string[];
  readonly METRICS_TOKEN?: string | undefined;
  readonly POSTGRES_PASSWORD?: string | undefined;
  readonly DATABASE_URL?: string | undefined;
  readonly BCRYPT_COST: number;
}

/** What makes these settings unfit for production: one line each, with the name of the setting and what to do. */
export function weaknesses(settings: Judged): string[] {
  if (settings.NODE_ENV !== 'production') return [];
  const { JWT_OLD_SECRETS, STATE_OLD_KEYS, DATABASE_URL, BCRYPT_COST } = settings;
  const named: [string, string | undefined][] = [
    ['JWT_SECRET', settings.JWT_SECRET],
    ['STATE_KEY', settings.STATE_KEY],
    ['METRICS_TOKEN', settings.METRICS_TOKEN],
    ['POSTGRES_PASSWORD', settings.POSTGRES_PASSWORD],
    ...JWT_OLD_SECRETS.map((each): [string, string] => ['JWT_OLD_SECRETS', each]),
    // an old key of states only opens: what was sealed with a weak one must still be readable to be sealed anew
  ];
  const lines = named
    .filter(([, value]) => value !== undefined && isWeak(value))
    .map(([name]) => `${name}: is easy to guess; ${remedy}`);
  if (DATABASE_URL !== undefined && hasDefaultPassword(DATABASE_URL))
    lines.push('DATABASE_URL: contains a well-known password; change the password of the PostgreSQL user');
  if (BCRYPT_COST < leastCost) lines.push(`BCRYPT_COST: at least ${leastCost} outside development`);
  if (STATE_OLD_KEYS.includes(settings.STATE_KEY))
    lines.push(
      'STATE_OLD_KEYS: contains STATE_KEY itself; generate a new STATE_KEY, or remove it from the old ones',
    );
  return lines;
}

function isWeak(secret: string): boolean {
  return new Set(secret).size < fewestCharacters || known.test(secret);
}

/** A server that asks for no password is another matter: it may know its callers by their socket. */
function hasDefaultPassword(url: string): boolean {
  const found = URL.canParse(url) ? new URL(url) : null;
  if (found === null || found.username === '' || found.password === '') return false;
  return databaseDefaults.has(decodeURIComponent(found.password).toLowerCase());
}
