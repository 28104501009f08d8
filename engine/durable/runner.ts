/**
 * Runs what is left to do on one stack, operation by operation, under its lease.
 *
 *     pending -> running -> succeeded
 *                   |-> unwinding -> failed | stuck
 *                   |-> stuck                          (operations that cannot go back)
 *
 * A crash loses nothing: the log says how far an operation got, the lease expires, and the next worker continues
 * from there. A worker that has lost the lease is refused at its next write.
 */
import {
  addEvent,
  findOperationRow,
  forgetScheduled,
  isScheduled,
  type OperationRow,
  moveOperation,
  nextUnfinished,
  replaceSteps,
  stepsOf,
} from '../store/operations';
import { claimLease, fenced, type Lease, releaseLease } from '../store/leases';
import type { RunnerParts } from './parts';
import type { EventBus } from './events';
import { keepLease, type LeaseKeeper, leaseTtlMs } from './lease-keeper';
import { type HeldStep, Interruption, type OperationDefinition } from './definition';
import { goForward, outputsOf, type Work } from './forward';
import { traced } from '../base/tracing';
import { unwind } from './unwind';
import { wakeWorker } from './wake-worker';

export interface Runner {
  /** Works on the stack until nothing is left to do; returns immediately if another worker holds it. */
  perform(stackId: string, handover: AbortSignal): Promise<void>;
}

export interface RunnerOptions<Ports> {
  readonly parts: RunnerParts;
  readonly definitions: readonly OperationDefinition<Ports>[];
  /** What steps work with, bound to one of them. */
  readonly ports: (step: HeldStep) => Ports;
  /** Ends what a dead worker has left running on a stack; called with the lease, before anything runs there. */
  readonly takeOver: (stackId: string) => Promise<void>;
  readonly bus: EventBus;
  /** Name of this worker, unique among all processes. */
  readonly owner: string;
}

export function operationRunner<Ports>(options: RunnerOptions<Ports>): Runner {
  return {
    perform: async (stackId, handover) => {
      const { parts, owner } = options;
      // its job ends with this call, so the next worker needs one of its own
      if (handover.aborted) return wakeWorker(parts, parts.database.direct, stackId);
      const lease = await claimLease(parts.database.direct, stackId, owner, leaseTtlMs);
      if (lease === null) return;
      const stop = new AbortController();
      const keeper = keepLease(parts, lease, (reason) => {
        stop.abort(reason);
      });
      const onHandover = (): void => {
        stop.abort(new Interruption('handover'));
      };
      handover.addEventListener('abort', onHandover, { once: true });
      // it may have come while the lease was claimed, and an event is not told again
      if (handover.aborted) onHandover();
      try {
        await options.takeOver(stackId);
        await workOff(options, { lease, keeper, stop: stop.signal });
      } catch (thrown) {
        await handOver(parts, lease, thrown);
      } finally {
        handover.removeEventListener('abort', onHandover);
        keeper.release();
      }
    },
  };
}

/** The stack while this worker has it. */
interface Held {
  readonly lease: Lease;
  readonly keeper: LeaseKeeper;
  /** Fires on handover and when the lease is lost. */
  readonly stop: AbortSignal;
}

/** Runs operations in the order of their acceptance; the last write gives the lease back. */
async function workOff<Ports>(options: RunnerOptions<Ports>, held: Held): Promise<void> {
  const { parts } = options;
  const { lease } = held;
  for (;;) {
    // Looking and letting go are one transaction: an operation accepted meanwhile finds the lease free.
    const operation = await fenced(parts.database, lease, async (tx) => {
      const next = await nextUnfinished(tx, lease.stackId);
      if (next === null) await releaseLease(tx, lease);
      return next;
    });
    if (operation === null) return;
    await performOperation(options, held, operation);
  }
}

/** One that another worker has begun is a second span of the same trace. */
async function performOperation<Ports>(
  options: RunnerOptions<Ports>,
  held: Held,
  row: OperationRow,
): Promise<void> {
  const attributes = {
    'webhoster.operation.id': row.id,
    'webhoster.operation.kind': row.kind,
    'webhoster.hosting.id': row.hostingId,
    'webhoster.stack.id': row.stackId,
  };
  const span = { kind: 'consumer', parent: row.traceParent, attributes } as const;
  await traced(options.parts.tracing, `operation ${row.kind}`, span, async ({ set, fail }) => {
    const ended = await performWithin(options, held, row);
    set({ 'webhoster.outcome': ended?.status });
    if (ended !== null && ended.failureCode !== null) fail(ended.failureCode);
  });
}

async function performWithin<Ports>(
  options: RunnerOptions<Ports>,
  { lease, keeper, stop }: Held,
  row: OperationRow,
): Promise<OperationRow | null> {
  const { parts, bus } = options;
  const definition = options.definitions.find((each) => each.kind === row.kind);
  if (definition === undefined) throw new Error(`no operation of kind ${row.kind}`);
  const log = parts.log.child({ operationId: row.id, kind: row.kind, stackId: row.stackId });
  const assertHeld = (): void => {
    keeper.assertHeld();
  };
  const write: Work<Ports>['write'] = (body) => fenced(parts.database, lease, body);
  const work: Work<Ports> = {
    parts: { ...parts, log },
    ports: options.ports,
    definition,
    row,
    steps: await stepsToTake({ parts, definition, row, write }),
    stop,
    assertHeld,
    write,
    report: (message, data) =>
      void addEvent(parts.database.direct, row.id, 'progress', message, data).catch(() => undefined),
  };
  log.info({ status: row.status }, 'operation begins');
  const failure = row.status === 'unwinding' ? failureOf(row) : await forwardWithCancel(work, bus);
  if (failure !== null && (definition.onFailure === 'unwind' || failure.code === 'cancelled'))
    await unwind(work, failure);
  else if (failure !== null) await work.write((tx) => moveOperation(tx, row.id, 'stuck', failure));
  log.info({ failure }, 'operation ends');
  const ended = await measureEnd(parts, row.id);
  if (ended?.status === 'succeeded') await forgetNoNews(work);
  return ended;
}

/** After the end, which is measured like any other; a worker that dies before it leaves one record too many. */
async function forgetNoNews({
  parts,
  definition: { isNoNews },
  row,
  write,
}: Pick<Work<never>, 'parts' | 'definition' | 'row' | 'write'>): Promise<void> {
  if (isNoNews === undefined || !isScheduled(row)) return;
  const done = Object.fromEntries(outputsOf(await stepsOf(parts.database.direct, row.id)));
  if (isNoNews(done)) await write((tx) => forgetScheduled(tx, row.id));
}

/** As this version defines them, which another version may have recorded otherwise. */
async function stepsToTake({
  parts,
  definition,
  row,
  write,
}: Pick<Work<never>, 'parts' | 'definition' | 'row' | 'write'>): Promise<Work<never>['steps']> {
  const recorded = await stepsOf(parts.database.direct, row.id);
  const isAsDefined =
    recorded.length === definition.steps.length &&
    recorded.every(({ name }, position) => name === definition.steps[position]?.name);
  return isAsDefined ? recorded : write((tx) => replaceSteps(tx, row.id, definition.steps));
}

async function measureEnd(
  { database, measures, clock }: RunnerParts,
  id: string,
): Promise<OperationRow | null> {
  const ended = await findOperationRow(database.direct, id);
  if (ended === null) return null;
  const seconds = Math.max(0, clock.now().getTime() - ended.createdAt.getTime()) / 1000;
  measures.observe('operations', { kind: ended.kind, outcome: ended.status }, seconds);
  return ended;
}

async function forwardWithCancel<Ports>(
  work: Work<Ports>,
  bus: EventBus,
): Promise<ReturnType<typeof failureOf> | null> {
  const cancel = new AbortController();
  const check = async (): Promise<void> => {
    const row = await findOperationRow(work.parts.database.direct, work.row.id).catch(() => null);
    if (row?.cancelRequested) cancel.abort(new Interruption('cancelled'));
  };
  const unsubscribe = bus.subscribe(work.row.id, () => void check());
  try {
    await check();
    return await goForward(work, AbortSignal.any([work.stop, cancel.signal]));
  } finally {
    unsubscribe();
  }
}

function failureOf(row: OperationRow) {
  return {
    code: row.failureCode ?? 'internal',
    message: row.failureMessage ?? 'The operation failed',
  } as const;
}

/** Leaves the operation where it is. The lease goes back if it is still ours, so that the next worker need not wait. */
async function handOver(parts: RunnerParts, lease: Lease, thrown: unknown): Promise<void> {
  const interrupted = thrown instanceof Interruption;
  parts.log[interrupted ? 'info' : 'warn']({ err: thrown, stackId: lease.stackId }, 'operation handed over');
  if (interrupted && thrown.why === 'lease-lost') return;
  await fenced(parts.database, lease, async (tx) => {
    await releaseLease(tx, lease);
    await wakeWorker(parts, tx, lease.stackId, interrupted ? 0 : 1_000);
  }).catch((err: unknown) => {
    // the reconciler finds the operation when the lease has run out
    parts.log.warn({ err, stackId: lease.stackId }, 'lease could not be given back');
  });
}
