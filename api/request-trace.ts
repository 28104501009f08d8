/**
 * A span for each request, in which everything is that the request does and causes. It begins a trace of its own,
 * whatever the client sends as `traceparent`: strangers would choose what is kept, and under which id.
 */
import type { RequestHandler } from 'express';
import { type Tracing, within } from '../engine';
import { requestIdOf } from './request-id';
import { notesOf, routeOf } from './request-log';
import { methodOf } from './request-metrics';

export function traceRequests(tracing: Tracing): RequestHandler {
  return (request, response, next) => {
    const method = methodOf(request);
    const span = tracing.begin(method, {
      kind: 'server',
      parent: null,
      attributes: { 'http.request.method': method, 'webhoster.request.id': requestIdOf(response) },
    });
    response.once('close', () => {
      const { operationId, userId } = notesOf(response);
      span.rename(`${method} ${routeOf(response)}`);
      span.set({
        'http.route': routeOf(response),
        'http.response.status_code': response.statusCode,
        'webhoster.operation.id': operationId,
        'webhoster.user.id': userId,
      });
      if (response.statusCode >= 500) span.fail(String(response.statusCode));
      span.end();
    });
    within(span, next);
  };
}
