/** Looks, stack by stack, whether what Terraform finds is what the database says; a few at a time. */
import { randomUUID } from 'node:crypto';
import { eachOf } from '../base/each-of';
import { acceptHere, type EngineParts, expectSuccess, finishOperation } from '../durable';
import { toEngineError } from '../base/errors';
import { planApply } from '../plans';
import { initializeStack, rebuildWorkspace, type StackParts } from '../stack';
import { claimLease, releaseLease } from '../store/leases';
import { nextUnfinished, stepsOf } from '../store/operations';
import { listStacks } from '../store/stacks';

export interface StackResult {
  readonly id: string;
  readonly kind: 'hosting' | 'node';
  /** `unfinished`: an operation goes on here when the service starts, and decides what becomes of the stack. */
  readonly result: 'no changes' | 'changes' | 'failed' | 'unfinished';
  /** What would change, why it failed, or which operation goes on. */
  readonly detail: string;
  readonly seconds: number;
}

/** Longer than a synthesis and an init ever take. */
const rebuildTtlMs = 120_000;

/**
 * Rebuilds every workspace and plans every stack.
 *
 * @param onResult  told as each is done
 * @returns in the order of their making
 * @throws the reason of `signal` when it fires
 */
export async function planStacks(
  connected: EngineParts,
  { onResult, signal }: { onResult: (result: StackResult) => void; signal: AbortSignal },
): Promise<StackResult[]> {
  const { database, config } = connected.parts;
  const stacks = await listStacks(database.direct);
  return eachOf(stacks, config.WORKER_CONCURRENCY, async (stack) => {
    signal.throwIfAborted();
    const started = performance.now();
    const outcome = await planStack(connected, stack.id, signal);
    const seconds = Math.round(performance.now() - started) / 1000;
    const result = { ...stack, ...outcome, seconds };
    onResult(result);
    return result;
  });
}

async function planStack(
  connected: EngineParts,
  stackId: string,
  signal: AbortSignal,
): Promise<Pick<StackResult, 'result' | 'detail'>> {
  const { parts } = connected;
  try {
    const unfinished = await nextUnfinished(parts.database.direct, stackId);
    if (unfinished !== null) {
      await prepareForWorker(parts, stackId, signal);
      return { result: 'unfinished', detail: `${unfinished.kind} continues when the service starts` };
    }
    const { id } = await acceptHere(parts.database.direct, planApply, {
      stackId,
      input: { by: 'a restore' },
    });
    expectSuccess(await finishOperation(connected, id, stackId, signal));
    const steps = await stepsOf(parts.database.direct, id);
    const { changes = false, differences = [] } = planApply.outputIn(steps, 'record') ?? {};
    return { result: changes ? 'changes' : 'no changes', detail: differences.join(', ') };
  } catch (thrown) {
    signal.throwIfAborted();
    parts.log.warn({ err: thrown, stackId }, 'stack could not be planned');
    return { result: 'failed', detail: toEngineError(thrown).message };
  }
}

/** An operation that is resumed behind its first steps takes its workspace for granted. */
async function prepareForWorker(parts: StackParts, stackId: string, signal: AbortSignal): Promise<void> {
  const lease = await claimLease(parts.database.direct, stackId, `restore:${randomUUID()}`, rebuildTtlMs);
  if (lease === null) return;
  try {
    // no worker runs during a restore
    const context = { parts, stackId, signal, assertHeld: () => undefined };
    if (await rebuildWorkspace(context)) await initializeStack(context);
  } finally {
    await releaseLease(parts.database.direct, lease);
  }
}
