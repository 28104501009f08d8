/**
 * /metrics in Prometheus' text format. It holds counts only, and still they are the operator's: whoever may not read them
 * is told that nothing is here. A proxy on this machine makes everybody look local, and not every one adds a header that
 * tells: being local opens this page only where METRICS_OPEN_LOCAL says that there is no such proxy.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Config, Engine } from '../engine';
import { bearerToken } from './authentication';
import { registryOf } from './metrics-registry';
import { note } from './request-log';

const AT = '/metrics';

export type MetricsSettings = Partial<Pick<Config, 'METRICS_TOKEN' | 'METRICS_OPEN_LOCAL'>>;

/** @param ofRequests  what this process has answered */
export function metricsPage(engine: Engine, settings: MetricsSettings, ofRequests: Registry): Router {
  const router = Router();
  // Not prom-client's own registry, which all applications of a process would share; and not before it is asked for,
  // since watching the process costs a little.
  let ofProcess: Registry | undefined;
  router.get(AT, async (request, response, next) => {
    if (!mayReadMetrics(request, settings)) {
      next();
      return;
    }
    note(response, { route: AT });
    const ofService = registryOf(await engine.metrics.read());
    ofProcess ??= watchProcess();
    await send(response, Registry.merge([ofService, ofRequests, ofProcess]));
  });
  return router;
}

/** By the token, or by being on this machine where that is enough. */
export function mayReadMetrics(
  request: Request,
  { METRICS_TOKEN, METRICS_OPEN_LOCAL = false }: MetricsSettings,
): boolean {
  return (METRICS_OPEN_LOCAL && isLocal(request)) || hasToken(request, METRICS_TOKEN);
}

async function send(response: Response, registry: Registry): Promise<void> {
  // Whole, and by setHeader: Express would put its own charset behind the version.
  response.setHeader('Content-Type', registry.contentType);
  response.end(await registry.metrics());
}

/** What prom-client knows of a process. */
export function watchProcess(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  // a total is a counter's name, and these are none; by their types they are there besides
  for (const name of ['handles', 'requests', 'resources'])
    register.removeSingleMetric(`nodejs_active_${name}_total`);
  return register;
}

const loopback = /^(::ffff:)?127\.|^::1$/;
/** What a proxy on this machine adds for somebody who is elsewhere. */
const forwarding = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

function isLocal({ socket, headers }: Request): boolean {
  return loopback.test(socket.remoteAddress ?? '') && !forwarding.some((name) => name in headers);
}

function hasToken(request: Request, wanted: string | undefined): boolean {
  const given = bearerToken(request);
  if (wanted === undefined || given === undefined) return false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
