/** What Terraform did: when, by whom, what it said, what it planned. */
import type { Run } from '../../engine';
import type { ServerSentEvent } from '../event-stream';
import { defineRoute, type Route } from '../route';
import { nextOf } from '../schemas/page';
import { driftList, idParams, pageQuery, runDetail, runList, runLogPiece } from '../schemas/terraform';
import { showDrift, showRun, showRunDetail } from '../terraform-views';

const listSpec = {
  method: 'get',
  tag: 'Terraform',
  summary: 'List the Terraform runs of a hosting, newest first',
  auth: 'user',
  query: pageQuery,
  responses: { 200: { description: 'The runs', data: runList } },
  failures: ['hosting_not_found'],
} as const;

function pageOf(found: readonly Run[], query: { readonly limit: number }) {
  return { runs: found.map(showRun), next: nextOf(found, query, ({ id }) => id) };
}

const listMyRuns = defineRoute({
  ...listSpec,
  name: 'listMyRuns',
  path: '/api/v1/host/my/runs',
  async handle({ engine, user, query, answer }) {
    const found = await engine.runs.list(user, null, query);
    return answer(200, { message: 'runs_listed', data: pageOf(found, query) });
  },
});

const listRuns = defineRoute({
  ...listSpec,
  name: 'listRuns',
  path: '/api/v1/hostings/{id}/runs',
  params: idParams,
  async handle({ engine, user, params, query, answer }) {
    const found = await engine.runs.list(user, params.id, query);
    return answer(200, { message: 'runs_listed', data: pageOf(found, query) });
  },
});

const showOneRun = defineRoute({
  name: 'getRun',
  method: 'get',
  path: '/api/v1/runs/{id}',
  tag: 'Terraform',
  summary: 'Show a Terraform run: log, plan, timings',
  auth: 'user',
  params: idParams,
  responses: { 200: { description: 'The run', data: runDetail } },
  failures: ['run_not_found'],
  async handle({ engine, user, params, answer }) {
    const found = await engine.runs.get(user, params.id);
    return answer(200, { message: 'run_shown', data: { run: showRunDetail(found) } });
  },
});

const followRun = defineRoute({
  name: 'followRun',
  method: 'get',
  path: '/api/v1/runs/{id}/log',
  tag: 'Terraform',
  summary: 'Follow the log of a Terraform run as server-sent events',
  description: 'Sends the log so far first, then live output, and ends with the run.',
  auth: 'user',
  params: idParams,
  responses: { 200: { description: 'The data of each event', events: runLogPiece } },
  failures: ['run_not_found'],
  async handle({ engine, user, params, signal, answer }) {
    // asked first, so that a run nobody may see is an answer of its own and not a broken stream
    await engine.runs.get(user, params.id);
    return answer(200, { events: pieces(engine.runs.follow(user, params.id, { signal })) });
  },
});

async function* pieces(log: AsyncIterable<string>): AsyncGenerator<ServerSentEvent> {
  for await (const text of log) yield { event: 'log', data: { text } };
}

const listDrift = defineRoute({
  name: 'listDrift',
  method: 'get',
  path: '/api/v1/admin/drift',
  tag: 'Administration',
  summary: 'Show how running hostings differ from their specification',
  auth: 'admin',
  query: pageQuery,
  responses: { 200: { description: 'The results of the last drift checks', data: driftList } },
  failures: [],
  async handle({ engine, query, language, answer }) {
    const found = await engine.drift.list(query);
    const next = nextOf(found, query, ({ hostingId }) => hostingId);
    const hostings = found.map((each) => showDrift(each, language));
    return answer(200, { message: 'drift_shown', data: { hostings, next } });
  },
});

export const runRoutes: readonly Route[] = [listMyRuns, listRuns, showOneRun, followRun, listDrift];
