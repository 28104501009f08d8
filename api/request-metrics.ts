/** How often each route was asked, how it was answered, and how long that took; of this process alone. */
import type { Request, RequestHandler } from 'express';
import { Histogram, type Registry } from 'prom-client';
import { routeOf } from './request-log';

/** A request may wait for an operation, so the last bounds are minutes. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600];
/** Anybody may make up a method. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export function methodOf({ method }: Request): string {
  return methods.has(method) ? method : 'OTHER';
}

export function measureRequests(register: Registry): RequestHandler {
  const seconds = new Histogram({
    name: 'webhoster_http_request_duration_seconds',
    help: 'Duration of requests by route, including time spent waiting for operations.',
    labelNames: ['method', 'route', 'status'],
    buckets,
    registers: [register],
  });
  return (request, response, next) => {
    const started = performance.now();
    response.once('close', () => {
      const labels = {
        method: methodOf(request),
        route: routeOf(response),
        status: String(response.statusCode),
      };
      seconds.observe(labels, (performance.now() - started) / 1000);
    });
    next();
  };
}
