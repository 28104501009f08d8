/**
 * How often something may be done by one key (an address, an account): counted in Redis for all API processes together
 * where there is one, else by each process for itself. While Redis is away, each counts for itself too.
 */
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Redis } from './redis';

export interface RateLimitOptions {
  /** Part of the keys in Redis: limits of different names do not meet. */
  readonly name: string;
  /** So many in so many seconds, from the first one on. */
  readonly points: number;
  readonly seconds: number;
  /** Null counts in this process. */
  readonly redis: Redis | null;
}

export interface Taken {
  readonly allowed: boolean;
  readonly remaining: number;
  /** Until the count begins anew. */
  readonly resetMs: number;
}

export interface RateLimit {
  /** Counts one more for this key, and says whether it is within the limit. Never throws. */
  take(key: string): Promise<Taken>;
}

export function rateLimit({ name, points, seconds, redis }: RateLimitOptions): RateLimit {
  const keyPrefix = `vm-webhoster:limit:${name}`;
  const alone = new RateLimiterMemory({ keyPrefix, points, duration: seconds });
  const limiter =
    redis === null
      ? alone
      : new RateLimiterRedis({
          storeClient: redis,
          keyPrefix,
          points,
          duration: seconds,
          insuranceLimiter: alone,
          // without a connection it is known at once, not after a timeout
          rejectIfRedisNotReady: true,
        });
  return {
    take: (key) =>
      limiter.consume(key).then(
        (counted) => taken(true, counted),
        (refused: unknown) => {
          if (refused instanceof RateLimiterRes) return taken(false, refused);
          throw refused;
        },
      ),
  };
}

function taken(allowed: boolean, { remainingPoints, msBeforeNext }: RateLimiterRes): Taken {
  return { allowed, remaining: Math.max(0, remainingPoints), resetMs: Math.max(0, msBeforeNext) };
}
