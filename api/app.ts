/** The HTTP interface as an Express application. It neither listens nor reads the environment. */
import { setMaxListeners } from 'node:events';
import express, { type Express, type Request, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { type Config, describeError, noTracing, type Tracing } from '../engine';
import { boundAtOnce } from './at-once';
import { allowOrigins } from './cors';
import { docsPages } from './docs-pages';
import { HttpError } from './http-error';
import { mayReadMetrics, metricsPage } from './metrics-page';
import { mountRoutes } from './mount-routes';
import { countFailures, countStrangers, rateLimits } from './rate-limits';
import { refuseCrossSite } from './cross-site';
import { describeApi } from './openapi';
import { assignRequestId } from './request-id';
import { logRequests } from './request-log';
import { measureRequests } from './request-metrics';
import { traceRequests } from './request-trace';
import type { Route, Service } from './route';
import { routes as allRoutes } from './routes';
import { neverCached, securityHeaders } from './security-headers';
import { answerErrors } from './send-answer';

type HttpSettings = Pick<
  Config,
  | 'METRICS_TOKEN'
  | 'METRICS_OPEN_LOCAL'
  | 'RATE_LIMIT_PER_MINUTE'
  | 'RATE_LIMIT_ANONYMOUS_PER_MINUTE'
  | 'CORS_ORIGINS'
  | 'TRUSTED_PROXIES'
  | 'API_HTTPS_PORT'
>;

export interface AppParts extends Pick<Service, 'engine'> {
  readonly config: Service['config'] & Partial<HttpSettings>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** HTML at `/`. @default leads to the documentation */
  readonly landingPage?: string;
  /** @default nothing is traced */
  readonly tracing?: Tracing;
  /** @default the wall clock */
  readonly clock?: Service['clock'];
  /** Fires on shutdown: event streams end, waits answer 202. @default never */
  readonly stopping?: AbortSignal;
  /** @default 15000 */
  readonly heartbeatMs?: number;
  /** @default every route there is */
  readonly routes?: readonly Route[];
}

export function createApp({ logger, routes = allRoutes, tracing = noTracing, ...parts }: AppParts): Express {
  const service: Service = {
    engine: parts.engine,
    config: parts.config,
    clock: parts.clock ?? { now: () => new Date() },
    stopping: parts.stopping ?? new AbortController().signal,
    heartbeatMs: parts.heartbeatMs ?? 15_000,
  };
  // Every request in flight listens; that is many and no leak.
  setMaxListeners(0, service.stopping);
  const ofRequests = new Registry();
  const app = express();
  app.disable('x-powered-by');
  // Nothing here may be cached, so an ETag would only cost its hash.
  app.set('etag', false);
  // Flat: `a[b]=c` stays a key that schemas refuse, repeated keys become arrays that schemas refuse.
  app.set('query parser', 'simple');
  app.set('trust proxy', trustedProxies(parts.config));
  app.use(
    assignRequestId(),
    traceRequests(tracing),
    logRequests(logger),
    measureRequests(ofRequests),
    securityHeaders(),
    neverCached(),
    allowOrigins(parts.config.CORS_ORIGINS ?? []),
    refuseCrossSite(parts.config.CORS_ORIGINS ?? []),
    partWhen(service.stopping),
  );
  const onAuditFailure = (thrown: unknown, requestId: string): void => {
    logger.error({ err: describeError(thrown), request_id: requestId }, 'a change could not be recorded');
  };
  const limits = rateLimits(service.engine, parts.config);
  const isOperators = (request: Request): boolean => mayReadMetrics(request, parts.config);
  app.use(mountRoutes(routes, service, { limits, isOperators, atOnce: boundAtOnce(), onAuditFailure }));
  app.use(metricsPage(service.engine, parts.config, ofRequests));
  app.use(countStrangers(limits));
  app.use(docsPages(describeApi(routes), parts.landingPage ?? null));
  app.use(refuseUnknown());
  app.use(countFailures(limits));
  app.use(answerErrors());
  return app;
}

/** Whose word is taken for where a request comes from: nobody's, unless they are named, or our own Nginx's. */
function trustedProxies({ TRUSTED_PROXIES = [], API_HTTPS_PORT }: Partial<HttpSettings>): string[] {
  return API_HTTPS_PORT === undefined ? [...TRUSTED_PROXIES] : ['127.0.0.1', ...TRUSTED_PROXIES];
}

/** Tells keep-alive clients of a stopping server to go elsewhere for their next request. */
function partWhen(stopping: AbortSignal): RequestHandler {
  return (_request, response, next) => {
    if (stopping.aborted) response.set('Connection', 'close');
    next();
  };
}

function refuseUnknown(): RequestHandler {
  return () => {
    throw new HttpError('not_found');
  };
}
