/** Every request has an id, in its answer, in its errors and in the log, so that one can be found by another. */
import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';

/** An id from a proxy in front is kept when it cannot break a log line or a header. */
const sane = /^[A-Za-z0-9._-]{1,128}$/;

export function assignRequestId(): RequestHandler {
  return (request: Request, response: Response, next) => {
    const incoming = request.headers['x-request-id'];
    const id = typeof incoming === 'string' && sane.test(incoming) ? incoming : randomUUID();
    response.set('X-Request-Id', id);
    next();
  };
}

export function requestIdOf(response: Response): string {
  return String(response.get('X-Request-Id'));
}
