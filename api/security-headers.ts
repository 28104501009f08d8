/** Headers that hold for every answer. */
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Answers of the API are data: a browser that is tricked into rendering one may load and run nothing. */
const nothing = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** Swagger UI is a script, a style sheet and data: icons of our own origin, and calls this API. */
export const docsPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A page without a script, whose style is within it. */
export const landingPolicy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * No CORS header is ever sent, so other origins (users' own pages among them) cannot read answers.
 *
 * Strict-Transport-Security is left to whoever ends TLS in front: over plain HTTP it is void, and with
 * includeSubDomains it would speak for every user's host name. `upgrade-insecure-requests` is left out of the
 * policy for the same reason: it would break /docs on http://.
 */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives: nothing },
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
}

/** Answers carry tokens, keys and addresses; what may be cached says so itself. */
export function neverCached(): RequestHandler {
  return (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  };
}
