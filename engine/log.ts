/** Structured logs, one JSON line each, with secrets masked by name. */
import pino from 'pino';

export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'> & {
  child(bindings: Record<string, unknown>): Log;
};

export function createLog(level: string): pino.Logger {
  const secrets = [
    'password',
    'passwordHash',
    'accessToken',
    'token',
    'authorization',
    'sshPrivateKey',
    'privateKey',
    'secret',
  ];
  return pino({
    level,
    base: { service: 'vm-webhoster' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '***' },
    serializers: { err: describeError },
  });
}

/** For what repeats while a part is away: true at the first time, and then once a minute for each key. */
export function oncePerMinute(): (key: string) => boolean {
  const toldAt = new Map<string, number>();
  return (key) => {
    const now = performance.now();
    if (now - (toldAt.get(key) ?? -Infinity) < 60_000) return false;
    toldAt.set(key, now);
    return true;
  };
}

/** An error with its whole chain of causes, as the log wants it and the public never sees it. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: error.message,
    stack: error.stack?.split('\n').slice(1, 8).join('\n'),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
