/** Takes many hostings down, a few at a time, whoever removes each: this process, or a service that is asked by HTTP. */
import type { NamedHosting } from '../../model/hosting';
import type { PlanReport, ResourceChange } from '../../model/plan';
import { eachOf } from '../../base/each-of';
import { toEngineError } from '../../base/errors';

export interface TornDown {
  /** Of the hosting. */
  readonly id: string;
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

/** How one hosting goes; both throw why it does not. */
export interface Removal {
  readonly remove: (hosting: NamedHosting) => Promise<void>;
  readonly plan: (hosting: NamedHosting) => Promise<PlanReport>;
}

/** @returns in the order of the hostings; one that fails does not keep the others from going */
export async function takeDown(
  hostings: readonly NamedHosting[],
  { dryRun, parallel, handover, onResult }: TeardownOptions,
  { remove, plan }: Removal,
): Promise<TornDown[]> {
  const one = async (hosting: NamedHosting): Promise<Pick<TornDown, 'result' | 'reason' | 'changes'>> => {
    try {
      handover.throwIfAborted();
      if (dryRun) return { result: 'planned', reason: null, changes: (await plan(hosting)).changes };
      await remove(hosting);
      return { result: 'gone', reason: null, changes: [] };
    } catch (thrown) {
      const reason = handover.aborted ? 'interrupted; repeat to continue' : toEngineError(thrown).message;
      return { result: 'left', reason, changes: [] };
    }
  };
  return takeDownEach(hostings, { parallel, onResult }, one);
}

/** A few at a time, each with its name, its time, and word of it as soon as it is done. */
export function takeDownEach<T extends Pick<TornDown, 'id' | 'vmName' | 'username'>>(
  hostings: readonly T[],
  { parallel, onResult }: Pick<TeardownOptions, 'parallel' | 'onResult'>,
  one: (hosting: T) => Promise<Pick<TornDown, 'result' | 'reason' | 'changes'>>,
): Promise<TornDown[]> {
  let done = 0;
  return eachOf(hostings, parallel, async (hosting) => {
    const started = performance.now();
    const outcome = await one(hosting);
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    const { id, vmName, username } = hosting;
    const result = { id, vmName, username, ...outcome, seconds };
    onResult(result, ++done, hostings.length);
    return result;
  });
}
