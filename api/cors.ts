/**
 * Which web pages of other origins may call the API: none, unless CORS_ORIGINS names them. Callers prove themselves by
 * a header that no browser adds by itself, so credentials are never allowed.
 */
import type { RequestHandler } from 'express';

const exposed =
  'X-Request-Id, Location, Preference-Applied, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy';
const taken = 'Authorization, Content-Type, Prefer, Idempotency-Key, Last-Event-ID, X-Request-Id';
const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/** @param origins  as browsers send them, compared letter by letter: no pattern that somebody else's name could match */
export function allowOrigins(origins: readonly string[]): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers;
    // even an answer without permission depends on who asked
    if (origins.length > 0) response.vary('Origin');
    if (origin === undefined || !origins.includes(origin)) return void next();
    response.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': exposed });
    // by default nobody but this origin may read an answer at all
    response.set('Cross-Origin-Resource-Policy', 'cross-origin');
    if (request.method === 'OPTIONS' && 'access-control-request-method' in request.headers)
      response.set({
        'Access-Control-Allow-Methods': methods,
        'Access-Control-Allow-Headers': taken,
        'Access-Control-Max-Age': '600',
      });
    next();
  };
}
