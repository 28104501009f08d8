/** Deletes records of runs that are older, or more, than are kept. */
import type { Parts } from '../parts';
import { deleteOldRuns } from '../store/runs';
import { every } from './every';

const intervalMs = 3_600_000;

/** @returns stops looking */
export function reconcileOldRuns({ config, database, log }: Parts): () => void {
  const keep = { days: config.RUNS_KEEP_DAYS, perStack: config.RUNS_KEEP_PER_STACK };
  return every({ name: 'old runs', intervalMs, log }, async () => {
    const deleted = await deleteOldRuns(database.direct, keep);
    if (deleted > 0) log.info({ deleted }, 'old runs deleted');
  });
}
