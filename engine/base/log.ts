/** Structured logs, one JSON line each, with secrets masked by name. */
import pino from 'pino';
import { currentTraceIds } from './tracing';

export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'> & {
  child(bindings: Record<string, unknown>): Log;
};

/** Names whose values are secrets, wherever they stand; letter case, dashes and underscores do not matter. */
const secretNames = new Set([
  'password',
  'passwordhash',
  'currentpassword',
  'newpassword',
  'postgrespassword',
  'accesstoken',
  'token',
  'metricstoken',
  'authorization',
  'cookie',
  'setcookie',
  'sshprivatekey',
  'privatekey',
  'secret',
  'clientsecret',
  'jwtsecret',
  'jwtoldsecrets',
  'statekey',
  'stateoldkeys',
  'databaseurl',
  'otelexporterotlpheaders',
]);
const censored = '***';
const deepest = 12;

export function createLog(level: string): pino.Logger {
  const log = pino({
    level,
    base: { service: 'vm-webhoster' },
    // by its trace a line is found from a span, and the other way round
    mixin: () => ({ ...currentTraceIds() }),
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { log: (line) => masked(line) as Record<string, unknown> },
    serializers: { err: describeError },
    hooks: { streamWrite: maskText },
  });
  // bindings pass no formatter; children inherit this one
  const { child } = log;
  log.child = function (this: pino.Logger, bindings: object, ...options: []) {
    return child.call(this, masked(bindings) as pino.Bindings, ...options);
  } as typeof log.child;
  return log;
}

/** A copy with every secret masked by its name. Errors stay what they are: their serializer chooses what is told. */
function masked(value: unknown, depth = 0, above: readonly object[] = []): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error || value instanceof Date)
    return value;
  if (Buffer.isBuffer(value)) return `${value.length} bytes`;
  if (above.includes(value)) return '[circular]';
  if (depth > deepest) return '[too deep]';
  const within = [...above, value];
  if (Array.isArray(value)) return value.map((each) => masked(each, depth + 1, within));
  if ('toJSON' in value && typeof value.toJSON === 'function') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      const secret = secretNames.has(name.toLowerCase().replace(/[-_]/g, ''));
      return [name, secret && each != null ? censored : masked(each, depth + 1, within)];
    }),
  );
}

/** Masks secrets that are recognized by their form, anywhere in a line: in a message, a stack, a command's output. */
export function maskText(line: string): string {
  return line
    .replace(/\bwhk_[A-Za-z0-9_-]{20,}/g, `whk_${censored}`)
    .replace(/\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*/g, censored)
    .replace(/(:\/\/[^\s:/@"]+:)[^\s@/"]+@/g, `$1${censored}@`)
    .replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|"|$)/gs, (whole) =>
      whole.endsWith('"') ? `${censored}"` : censored,
    );
}

/** For messages that repeat while a part is away: true the first time, then once a minute for each key. */
export function oncePerMinute(): (key: string) => boolean {
  const toldAt = new Map<string, number>();
  return (key) => {
    const now = performance.now();
    if (now - (toldAt.get(key) ?? -Infinity) < 60_000) return false;
    toldAt.set(key, now);
    return true;
  };
}

/** An error with its whole chain of causes, for the log only, never for the public. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: error.message,
    // the places only: what comes before them is the message once more
    stack: error.stack
      ?.split('\n')
      .filter((line) => /^\s+at /.test(line))
      .slice(0, 7)
      .join('\n'),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
