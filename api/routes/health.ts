/**
 * For probes, load balancers, administrators and operators. Anybody learns whether the service works; its components are
 * for administrators and operators.
 */
import { type ComponentHealth, type Engine, projectVersion } from '../../engine';
import { HttpError } from '../http-error';
import { defineRoute } from '../route';
import { detailedHealthView, healthView, versionView } from '../schemas/health';
import { showComponent } from '../views';

export const health = defineRoute({
  name: 'getHealth',
  method: 'get',
  path: '/api/v1/health',
  aliases: ['/health'],
  tag: 'Service',
  summary: 'Check whether requests are accepted',
  auth: 'none',
  // probes ask often, and an answer costs next to nothing
  cost: 0,
  responses: { 200: { description: 'Requests are accepted', data: healthView } },
  failures: ['not_ready'],
  async handle({ engine, clock, answer }) {
    // A check that breaks is an answer too: the service cannot be used.
    const ready = await engine.health.basic().catch((cause: unknown) => {
      throw new HttpError('not_ready', { cause });
    });
    if (!ready) throw new HttpError('not_ready');
    return answer(200, { message: 'healthy', data: { status: 'ok', time: clock.now().toISOString() } });
  },
});

export const detailedHealth = defineRoute({
  name: 'getDetailedHealth',
  method: 'get',
  path: '/api/v1/health/detailed',
  aliases: ['/health/detailed'],
  tag: 'Service',
  summary: 'Show the state of every component',
  description:
    'Responds with 503 if a component is down; `error.details.components` then shows which. Anonymous callers and users ' +
    'only get the status: versions and free space are for administrators and for holders of `METRICS_TOKEN`.',
  auth: 'optional',
  responses: { 200: { description: 'No component is down', data: detailedHealthView } },
  failures: ['not_ready'],
  async handle({ engine, clock, operates, answer }) {
    const components = (await checkOnce(engine)).map(showComponent);
    const told = { time: clock.now().toISOString(), ...(operates ? { components } : {}) };
    if (components.some(({ status }) => status === 'down')) {
      throw new HttpError('not_ready', { details: { status: 'down', ...told } });
    }
    return components.some(({ status }) => status === 'degraded')
      ? answer(200, { message: 'degraded', data: { status: 'degraded', ...told } })
      : answer(200, { message: 'healthy', data: { status: 'ok', ...told } });
  },
});

const checks = new WeakMap<Engine, Promise<readonly ComponentHealth[]>>();

/** A check starts processes and this route is open to strangers, so all who ask during one share it. */
function checkOnce(engine: Engine): Promise<readonly ComponentHealth[]> {
  const running = checks.get(engine);
  if (running !== undefined) return running;
  const check = engine.health.detailed().finally(() => checks.delete(engine));
  checks.set(engine, check);
  return check;
}

export const version = defineRoute({
  name: 'getVersion',
  method: 'get',
  path: '/api/v1/version',
  aliases: ['/version'],
  tag: 'Service',
  summary: 'Show the running version',
  auth: 'none',
  responses: { 200: { description: 'Name and version', data: versionView } },
  failures: [],
  async handle({ answer }) {
    return answer(200, {
      message: 'version_shown',
      data: { name: 'vm-webhoster', version: projectVersion, api_version: 'v1' },
    });
  },
});
