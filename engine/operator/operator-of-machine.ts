/**
 * How hostings are worked on from the machine itself, with or without the service: each work is an operation as any
 * other, taken up here unless a worker of the service has it.
 */
import type { PlanReport } from '../model/plan';
import type { HostingFilter } from '../model/hosting';
import type { Operation } from '../model/operation';
import { type Page, longestPage } from '../model/page';
import { actingAs, type Command } from '../model/actor';
import { type EngineParts, expectSuccess, finishOperation, operations, type Operations } from '../durable';
import { drift, planReport, plans } from '../plans';
import { labels, runs } from '../hostings';
import { EngineError } from '../base/errors';
import { theOne } from '../machine/libvirt/names';
import { recorder } from '../audit';
import { selectHostings } from '../store/hostings';
import { findOperationRow } from '../store/operations';
import { differingFirst, type Operator, relabelled } from './operator';
import { takeDown } from './teardown/take-down';
import { removeHosting } from './teardown/teardown';

export function operatorOfMachine(engine: EngineParts, { who, handover: signal }: Command): Operator {
  const { parts, bus } = engine;
  const { direct } = parts.database;
  const planning = plans(parts);
  const recorded = recorder(parts, who);
  const finish = async (operation: Operation): Promise<void> => {
    expectSuccess(await finishOperation(engine, operation.id, await stackOf(engine, operation), signal));
  };
  /** A plan changes nothing and leaves no record, but its run says who asked. */
  const planned = (request: () => Promise<Operation>): Promise<PlanReport> =>
    actingAs(who, async () => {
      const operation = await request();
      await finish(operation);
      return planReport(direct, operation.id);
    });
  const select = (filter: HostingFilter) => selectHostings(direct, filter);
  return {
    place: 'this machine',
    find: async (text) => {
      if (text === null)
        throw new EngineError(
          'validation_failed',
          'Specify a hosting: a VM name, hosting ID or username. Only over the API is your own the default',
        );
      return theOne(text, await select({ names: [text], labels: {}, olderThanSeconds: null }));
    },
    select,
    plan: (hostingId) => planned(() => planning.request('operator', hostingId)),
    planNew: (username) => planned(() => planning.requestNewFor(username)),
    apply: (hostingId, input, onProgress) =>
      recorded('apply', hostingId, async () => {
        const operation = await planning.apply('operator', hostingId, input);
        await watched(operations(parts, bus), operation.id, onProgress, () => finish(operation));
      }),
    runs: (hostingId, limit) => runs(parts, bus).list('operator', hostingId, { limit }),
    run: (id) => runs(parts, bus).get('operator', id),
    followRun: (id) => runs(parts, bus).follow('operator', id, { signal }),
    drift: async () => differingFirst(await everyPage((page) => drift(parts).list(page), 'hostingId')),
    operations: (options) => operations(parts, bus).list(options),
    label: async (username, change) => {
      const known = await labels(parts).of(username);
      const changed = relabelled(known.labels, change);
      if (changed === null) return known;
      return recorded('label', `user ${username}`, () => labels(parts).set(username, changed));
    },
    tearDown: (hostings, options) =>
      takeDown(hostings, options, {
        remove: (hosting) =>
          recorded('teardown', hosting.id, () => removeHosting(engine, hosting, options.handover)),
        plan: ({ id }) => planned(() => planning.requestDelete('operator', id)),
      }),
  };
}

/** @param id  by which field a page goes on */
async function everyPage<K extends string, T extends Readonly<Record<K, unknown>>>(
  read: (page: Page) => Promise<readonly T[]>,
  id: K,
): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const after = all.at(-1)?.[id] as string | undefined;
    const found = await read({ limit: longestPage, after });
    all.push(...found);
    if (found.length < longestPage) return all;
  }
}

async function stackOf({ parts }: EngineParts, { id }: Operation): Promise<string> {
  const row = await findOperationRow(parts.database.direct, id);
  if (row === null) throw new EngineError('operation_not_found', 'The operation no longer exists');
  return row.stackId;
}

async function watched(
  view: Operations,
  operationId: string,
  onProgress: (message: string) => void,
  work: () => Promise<void>,
): Promise<void> {
  const watching = new AbortController();
  const following = (async () => {
    for await (const event of view.events(operationId, { signal: watching.signal }))
      onProgress(event.message);
  })();
  try {
    await work();
  } finally {
    watching.abort();
    await following;
  }
}
