/**
 * What a command line does with hostings, wherever it runs, and how it is done on the machine itself, with or without
 * the service: each work is an operation as any other, taken up here unless a worker of the service has it.
 */
import type { ApplyInput, HostingDrift, PlanReport, Run, RunDetail } from '../model/plan';
import type { Engine } from '../engine';
import type { HostingFilter, NamedHosting } from '../model/hosting';
import type { ListedOperation, Operation, OperationStatus } from '../model/operation';
import { type Page, longestPage } from '../model/page';
import type { UserLabels } from '../model/account';
import { actingAs } from '../model/actor';
import type { EngineParts } from '../durable/engine-parts';
import { drift } from '../plans/drift';
import { labels } from '../hostings/labels';
import { EngineError } from '../base/errors';
import type { Config } from '../base/config';
import type { Log } from '../base/log';
import { theOne } from '../machine/libvirt/names';
import { recorder } from '../audit/recorder';
import { operations } from '../durable/operations';
import { expectSuccess, finishOperation } from '../durable/finish';
import { planReport, plans } from '../plans/plans';
import { runs } from '../hostings/runs';
import { selectHostings } from '../store/hostings';
import { findOperationRow } from '../store/operations';
import { openEngine } from './with-engine';
import { takeDown, type TeardownOptions, type TornDown } from './teardown/take-down';
import { removeHosting } from './teardown/teardown';

export interface LabelChange {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

export interface Operator {
  /** Where the work is done, for questions: `this machine`, or a service's address. */
  readonly place: string;
  /**
   * @param text  a hosting's id, a VM's name or a username; null for the caller's own, which only a service knows
   * @throws {EngineError} hosting_not_found; validation_failed where there is no caller, or several can be meant
   */
  find(text: string | null): Promise<NamedHosting>;
  /** Living hostings, the oldest first. */
  select(filter: HostingFilter): Promise<readonly NamedHosting[]>;
  plan(hostingId: string): Promise<PlanReport>;
  /** What a create for this user would make. */
  planNew(username: string): Promise<PlanReport>;
  /** @param onProgress  told each step */
  apply(hostingId: string, input: ApplyInput, onProgress: (message: string) => void): Promise<void>;
  runs(hostingId: string, limit: number): Promise<readonly Run[]>;
  run(id: string): Promise<RunDetail>;
  followRun(id: string): AsyncIterable<string>;
  drift(): Promise<readonly HostingDrift[]>;
  /** Newest first; a stuck one with what it still owns. */
  operations(options: { status?: OperationStatus; limit: number }): Promise<readonly ListedOperation[]>;
  /** Adds to the labels of an account, and takes some away. @returns those that it has then. @throws {EngineError} not_found */
  label(username: string, change: LabelChange): Promise<UserLabels>;
  tearDown(hostings: readonly NamedHosting[], options: TeardownOptions): Promise<TornDown[]>;
  close(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL when it is down, and stops it again at the end.
 *
 * @param who  the name of whoever gives the command
 * @param signal  lets go of what runs
 * @throws {EngineError} database_unavailable
 */
export async function openOperator(
  config: Config,
  log: Log,
  who: string,
  signal: AbortSignal,
): Promise<Operator> {
  const { engine, close } = await openEngine(config, log);
  return { ...machineOperator(engine, who, signal), close };
}

/** @param signal  lets go of what runs */
export function machineOperator(
  engine: EngineParts,
  who: string,
  signal: AbortSignal,
): Omit<Operator, 'close'> {
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
          'Say which hosting: a VM name, a hosting id or a username. Only with --url is there one of your own',
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
        plan: ({ id }) => planned(() => planning.requestRemoval('operator', id)),
      }),
  };
}

/** Null where nothing is to be changed. */
export function relabelled(
  labels: Readonly<Record<string, string>>,
  { set, remove }: LabelChange,
): Record<string, string> | null {
  if (Object.keys(set).length === 0 && remove.length === 0) return null;
  return Object.fromEntries(Object.entries({ ...labels, ...set }).filter(([name]) => !remove.includes(name)));
}

/** Those that need somebody before those that do not; the longest unseen first. */
export function differingFirst(found: readonly HostingDrift[]): HostingDrift[] {
  const seen = ({ checkedAt }: HostingDrift): number => checkedAt?.getTime() ?? Infinity;
  return [...found].sort(
    (a, b) =>
      Number(a.differences.length === 0) - Number(b.differences.length === 0) || seen(a) - seen(b) || 0,
  );
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
  if (row === null) throw new EngineError('operation_not_found', 'There is no such operation any more');
  return row.stackId;
}

async function watched(
  view: Engine['operations'],
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
