/** Takes many hostings down, a few at a time, with or without a service that works beside it. */
import type { PlanReport, ResourceChange } from '../engine';
import type { EngineParts } from '../engine-parts';
import { eachOf } from '../each-of';
import { EngineError, toEngineError } from '../errors';
import { deleteAccepted } from '../hostings';
import { accept } from '../operations/accept';
import { expectSuccess, finishOperation } from '../operations/finish';
import { planRemoval as planRemovalOperation } from '../operations/plan-removal';
import { planReport } from '../plans';
import { findHosting, type NamedHosting } from '../store/hostings';

export interface TornDown {
  readonly vmName: string;
  readonly username: string;
  readonly result: 'gone' | 'left' | 'planned';
  /** Why it is left. */
  readonly reason: string | null;
  /** What a teardown would remove; only of a dry run. */
  readonly changes: readonly ResourceChange[];
  readonly seconds: number;
}

export interface TeardownOptions {
  readonly dryRun: boolean;
  /** How many at a time. */
  readonly parallel: number;
  readonly handover: AbortSignal;
  readonly onResult: (result: TornDown, done: number, of: number) => void;
}

/** @returns in the order of the hostings; one that fails does not keep the others from going */
export async function tearDown(
  engine: EngineParts,
  hostings: readonly NamedHosting[],
  { dryRun, parallel, handover, onResult }: TeardownOptions,
  plan: (hosting: NamedHosting) => Promise<PlanReport>,
): Promise<TornDown[]> {
  const one = async (hosting: NamedHosting): Promise<Pick<TornDown, 'result' | 'reason' | 'changes'>> => {
    try {
      handover.throwIfAborted();
      if (dryRun) return { result: 'planned', reason: null, changes: (await plan(hosting)).changes };
      await remove(engine, hosting, handover);
      return { result: 'gone', reason: null, changes: [] };
    } catch (thrown) {
      const reason = handover.aborted ? 'interrupted; a repeat goes on' : toEngineError(thrown).message;
      return { result: 'left', reason, changes: [] };
    }
  };
  return tearDownEach(hostings, { parallel, onResult }, one);
}

/** A few at a time, each with its name, its time, and word of it as soon as it is done. */
export function tearDownEach<T extends { readonly vmName: string; readonly username: string }>(
  hostings: readonly T[],
  { parallel, onResult }: Pick<TeardownOptions, 'parallel' | 'onResult'>,
  one: (hosting: T) => Promise<Pick<TornDown, 'result' | 'reason' | 'changes'>>,
): Promise<TornDown[]> {
  let done = 0;
  return eachOf(hostings, parallel, async (hosting) => {
    const started = performance.now();
    const outcome = await one(hosting);
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    const result = { vmName: hosting.vmName, username: hosting.username, ...outcome, seconds };
    onResult(result, ++done, hostings.length);
    return result;
  });
}

async function remove(engine: EngineParts, { id }: NamedHosting, handover: AbortSignal): Promise<void> {
  const { parts } = engine;
  const removal = await parts.database.transaction(async (tx) => {
    const hosting = await findHosting(tx, id);
    if (hosting === null) throw new EngineError('hosting_not_found', 'There is no such hosting');
    return deleteAccepted(parts, tx, hosting);
  });
  expectSuccess(await finishOperation(engine, removal.id, id, handover));
}

/** What a teardown of this hosting would remove; nothing is changed. */
export async function planRemoval(
  engine: EngineParts,
  { id }: NamedHosting,
  handover: AbortSignal,
): Promise<PlanReport> {
  const { parts } = engine;
  const wanted = { stackId: id, hostingId: id };
  const { id: operationId } = await parts.database.transaction((tx) =>
    accept(parts, tx, planRemovalOperation, wanted),
  );
  expectSuccess(await finishOperation(engine, operationId, id, handover));
  return planReport(parts.database.direct, operationId);
}
