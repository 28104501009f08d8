/** Finds operations that nobody works on and wakes a worker for them: after a crash, and for any job that was lost. */
import type { Parts } from '../parts';
import { abandonedStacks } from '../store/operations';
import { every } from './every';

/** With the lease's 30 s, what a dead worker left is taken up within 35 s. */
const intervalMs = 2_000;

/** @returns stops looking */
export function reconcileExpiredLeases({ database, queue, log }: Parts): () => void {
  return every({ name: 'expired leases', intervalMs, log }, async () => {
    for (const stackId of await abandonedStacks(database.direct)) {
      log.info({ stackId }, 'operation has no worker, waking one');
      await queue.enqueue(database.direct, stackId);
    }
  });
}
