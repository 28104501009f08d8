/** Finds operations that nobody works on and wakes a worker for them: after a crash, and for any job that was lost. */
import type { Parts } from '../parts';
import { abandonedStacks } from '../store/operations';

const intervalMs = 5_000;

/** Looks at once and then every 5 s. @returns stops looking */
export function reconcileExpiredLeases({ database, queue, log }: Parts): () => void {
  const look = async (): Promise<void> => {
    for (const stackId of await abandonedStacks(database.direct)) {
      log.info({ stackId }, 'operation has no worker, waking one');
      await queue.enqueue(database.direct, stackId);
    }
  };
  const lookSafely = (): void => {
    look().catch((err: unknown) => {
      log.warn({ err }, 'expired leases could not be read');
    });
  };
  lookSafely();
  const timer = setInterval(lookSafely, intervalMs);
  return () => {
    clearInterval(timer);
  };
}
