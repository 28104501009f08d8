/** Limits that hold for all API processes together, counted in Redis; while it is away, each counts for itself. */
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { type Limit, type Limiter, type Taken, takenOf } from '../../base/limits';
import type { Redis } from 'ioredis';

/** @param name  part of the keys in Redis: limits of different names do not meet */
export function redisLimiter(name: string, limit: Limit, redis: Redis): Limiter {
  const options = {
    keyPrefix: `vm-webhoster:limit:${name}`,
    points: limit.points,
    duration: limit.seconds,
  };
  const limiter = new RateLimiterRedis({
    ...options,
    storeClient: redis,
    insuranceLimiter: new RateLimiterMemory(options),
    // without a connection it is known at once, not after a timeout
    rejectIfRedisNotReady: true,
  });
  return {
    take: (key, points = 1) =>
      limiter.consume(key, points).then(
        (counted) => taken(limit, counted),
        (refused: unknown) => {
          if (refused instanceof RateLimiterRes) return taken(limit, refused);
          throw refused;
        },
      ),
    forget: async (key) => {
      await limiter.delete(key);
    },
  };
}

function taken(limit: Limit, { consumedPoints, msBeforeNext }: RateLimiterRes): Taken {
  return takenOf(limit, consumedPoints, msBeforeNext / 1000);
}
