/**
 * One line per request: method, route, status, milliseconds, request id.
 *
 * The route is the declared pattern and never the URL: paths and query strings may hold what must not be logged.
 * Neither are bodies, headers, tokens and cookies ever looked at here.
 */
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { currentTraceIds, type EngineError } from '../engine';
import { isOutage, type HttpError } from './http-error';

interface Notes {
  route?: string;
  failure?: unknown;
  userId?: number;
  /** What the request caused, under which the work is logged. */
  operationId?: string;
}

/** What the rest of the request wants on its line; kept off `response.locals`, which templates could render. */
const notes = new WeakMap<Response, Notes>();

export function note(response: Response, more: Notes): void {
  notes.set(response, { ...notes.get(response), ...more });
}

export function notesOf(response: Response): Readonly<Notes> {
  return notes.get(response) ?? {};
}

/** The declared pattern, never the URL. */
export function routeOf(response: Response): string {
  return notes.get(response)?.route ?? 'unmatched';
}

export function logRequests(logger: Pick<Logger, 'info' | 'warn' | 'error'>): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    // by its end a request is in nobody's context
    const trace = currentTraceIds();
    response.once('close', () => {
      const { failure, userId, operationId } = notes.get(response) ?? {};
      const line = {
        method: request.method,
        route: routeOf(response),
        status: response.statusCode,
        ms: Math.round((performance.now() - started) * 10) / 10,
        request_id: String(response.get('X-Request-Id')),
        ...trace,
        ...(userId === undefined ? {} : { user_id: userId }),
        ...(operationId === undefined ? {} : { operation_id: operationId }),
        ...(response.writableFinished ? {} : { aborted: true }),
      };
      if (response.statusCode < 500 && failure === undefined) logger.info(line, 'request');
      // every request meets an outage, and a stack trace for each would bury what tells of its cause
      else if (isOutage(failure)) logger.warn({ ...line, failure: inShort(failure) }, 'request');
      else logger.error({ ...line, failure: chainOf(failure) }, 'request');
    });
    next();
  };
}

interface Link {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

const SHORT = 200;

/** The code, and what the innermost cause says, on one line. */
function inShort(failure: EngineError | HttpError): { code: string; cause?: string } {
  const { message, code } = chainOf(failure.cause).at(-1) ?? {};
  const cause = (message || code)?.split('\n', 1)[0]?.slice(0, SHORT);
  return { code: failure.code, ...(cause === undefined ? {} : { cause }) };
}

/** An error and its causes. Named properties only: libraries hang bodies, queries and sockets on their errors. */
function chainOf(thrown: unknown): Link[] {
  const links: Link[] = [];
  for (let error = thrown; error instanceof Error && links.length < 8; error = error.cause) {
    const { code } = error as { code?: unknown };
    links.push({
      type: error.name,
      message: error.message,
      ...(typeof code === 'string' ? { code } : {}),
      ...(error.stack === undefined ? {} : { stack: error.stack }),
    });
  }
  return links;
}
