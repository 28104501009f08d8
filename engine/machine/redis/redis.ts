/**
 * Redis, for what several API processes share and may lose. It may be away at any time: a command then fails at once
 * instead of waiting for it, and whoever asked goes on without.
 */
import { Redis } from 'ioredis';
import { type Log, oncePerMinute } from '../../base/log';

export type { Redis };
export { redisLimiter } from './redis-limiter';

/** Longer than any answer on a healthy network; a request must not hang on a cache. */
const commandTimeoutMs = 1_000;

/** Connects in the background, and again whenever the connection is lost. Never throws. */
export function openRedis(url: string, log: Log): Redis {
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(attempt * 200, 5_000),
  });
  const worthTelling = oncePerMinute();
  client.on('error', (err: Error) => {
    if (worthTelling('')) log.warn({ err }, 'Redis is away; going on without');
  });
  return client;
}
