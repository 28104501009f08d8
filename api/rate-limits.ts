/**
 * How many requests a minute one user may make, and one address that nobody has signed in from. Counted in each process
 * of the API, or in Redis for all of them; told in every answer by the headers of draft-ietf-httpapi-ratelimit-headers-06.
 */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { type Caller, type Config, type Engine, type Limiter, networkOf } from '../engine';
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

/** A request of nobody, which costs what most do. */
export const strangerOf = (request: Request): Asked => ({
  caller: undefined,
  address: request.ip ?? '',
  cost: 1,
});

/** Requests whose turn has been counted, or that are not to be. */
const counted = new WeakSet<Response>();

/** A limit of 0, or none, does not limit. The function it returns throws rate_limited. */
export function rateLimits({ limiter }: Pick<Engine, 'limiter'>, settings: LimitSettings): RateLimits {
  const limited = (name: string, points = 0): { points: number; limiter: Limiter } | null =>
    points === 0 ? null : { points, limiter: limiter(name, { points, seconds: WINDOW_SECONDS }) };
  const limiters = {
    user: limited('requests-of-users', settings.RATE_LIMIT_PER_MINUTE),
    anonymous: limited('requests-of-strangers', settings.RATE_LIMIT_ANONYMOUS_PER_MINUTE),
  };
  return async (response, { caller, address, cost }) => {
    counted.add(response);
    const limit = limiters[caller === undefined ? 'anonymous' : 'user'];
    if (limit === null || cost === 0) return;
    const key = caller === undefined ? networkOf(address) : String(caller.user.id);
    const { allowed, left, seconds } = await limit.limiter.take(key, cost);
    response.set({
      'RateLimit-Limit': String(limit.points),
      'RateLimit-Remaining': String(left),
      'RateLimit-Reset': String(seconds),
      'RateLimit-Policy': `${limit.points};w=${WINDOW_SECONDS}`,
    });
    if (!allowed) throw new HttpError('rate_limited', { details: { retryAfterSeconds: seconds } });
  };
}

/** For what is answered without a route of the table. */
export function countStrangers(limits: RateLimits): RequestHandler {
  return async (request, response, next) => {
    await limits(response, strangerOf(request));
    next();
  };
}

/**
 * Counts what failed before anybody had counted it: an address that does not exist, or cannot even be read. What a page of
 * another site made a browser send is not counted: the browser's user would pay for it.
 */
export function countFailures(limits: RateLimits): ErrorRequestHandler {
  return async (thrown: unknown, request, response, next) => {
    const isFree = thrown instanceof HttpError && neverCounted.has(thrown);
    if (!counted.has(response) && !isFree && !response.headersSent)
      await limits(response, strangerOf(request));
    next(thrown);
  };
}

const neverCounted = new WeakSet<HttpError>();

/** The same error; it costs whoever sent the request nothing. */
export function free(error: HttpError): HttpError {
  neverCounted.add(error);
  return error;
}
