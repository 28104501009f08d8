/**
 * How many requests a minute one user may make, and one address that nobody has signed in from. Counted in each process
 * of the API; told in every answer by the headers of draft-ietf-httpapi-ratelimit-headers-06.
 */
import type { Response } from 'express';
import { type Caller, type Config, type Limiter, memoryLimiter, networkOf } from '../engine';
import { HttpError } from './http-error';

const WINDOW_SECONDS = 60;

export type LimitSettings = Partial<
  Pick<Config, 'RATE_LIMIT_PER_MINUTE' | 'RATE_LIMIT_ANONYMOUS_PER_MINUTE'>
>;

export interface Asked {
  readonly caller: Caller | undefined;
  readonly address: string;
  readonly cost: number;
}

export type RateLimits = (response: Response, asked: Asked) => Promise<void>;

/** A limit of 0, or none, does not limit. The function it returns throws rate_limited. */
export function rateLimits(settings: LimitSettings): RateLimits {
  const limiters = {
    user: limiterOf(settings.RATE_LIMIT_PER_MINUTE),
    anonymous: limiterOf(settings.RATE_LIMIT_ANONYMOUS_PER_MINUTE),
  };
  return async (response, { caller, address, cost }) => {
    const limited = limiters[caller === undefined ? 'anonymous' : 'user'];
    if (limited === null || cost === 0) return;
    const key = caller === undefined ? networkOf(address) : String(caller.user.id);
    const { allowed, left, seconds } = await limited.limiter.take(key, cost);
    response.set({
      'RateLimit-Limit': String(limited.points),
      'RateLimit-Remaining': String(left),
      'RateLimit-Reset': String(seconds),
      'RateLimit-Policy': `${limited.points};w=${WINDOW_SECONDS}`,
    });
    if (!allowed) throw new HttpError('rate_limited', { details: { retryAfterSeconds: seconds } });
  };
}

function limiterOf(points = 0): { points: number; limiter: Limiter } | null {
  return points === 0 ? null : { points, limiter: memoryLimiter({ points, seconds: WINDOW_SECONDS }) };
}
