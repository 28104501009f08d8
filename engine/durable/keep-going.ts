/** Finds unfinished operations without a worker and wakes one for them: after a crash, or if a job was lost. */
import { wakeWorker } from './wake-worker';
import type { Parts } from './parts';
import { tryLock } from '../store/locks';
import { abandonedStacks } from '../store/operations';
import { every, type Reconciler } from '../base/every';

/** With the lease's 30 s, what a dead worker left is taken up within 35 s. */
const intervalMs = 2_000;
/** What is left comes at the next look. */
const atOnce = 500;

export function reconcileExpiredLeases(parts: Pick<Parts, 'database' | 'log' | 'queue'>): Reconciler {
  const { log } = parts;
  return every({ name: 'expired leases', intervalMs, log }, async () => {
    const woken = await wakeAbandoned(parts);
    for (const stackId of woken) log.info({ stackId }, 'operation has no worker, waking one');
    return woken.length === 0 ? undefined : `woke ${woken.length} operations that had no worker`;
  });
}

/** One check, by one worker at a time. @returns the stacks that a worker was woken for */
export function wakeAbandoned(parts: Pick<Parts, 'database' | 'queue'>): Promise<string[]> {
  return parts.database.transaction(async (tx) => {
    if (!(await tryLock(tx, 'expired leases'))) return [];
    const abandoned = await abandonedStacks(tx, atOnce);
    for (const stackId of abandoned) await wakeWorker(parts, tx, stackId);
    return abandoned;
  });
}
