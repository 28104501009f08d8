/** Deletes records past their retention: one worker per hour, in batches small enough to block nobody. */
import type { Parts } from './parts';
import { deleteOld, retentions } from '../store/retention';
import { takeTurn } from '../store/turns';
import { andThen, every, type Reconciler } from '../base/every';

const intervalMs = 60_000;
const turnSeconds = 3_600;
const atOnce = 1_000;
/** Of each kind in one turn; what is left comes in the next. */
const mostPieces = 500;

export function reconcileOldRecords(parts: Pick<Parts, 'config' | 'database' | 'log'>): Reconciler {
  const stop = new AbortController();
  const looking = every({ name: 'old records', intervalMs, log: parts.log }, async () => {
    if (!(await takeTurn(parts.database.direct, 'old records', turnSeconds))) return;
    const deleted = await deleteOldRecords(parts, stop.signal);
    if (Object.keys(deleted).length === 0) return;
    parts.log.info({ deleted }, 'old records deleted');
    return `deleted ${Object.entries(deleted)
      .map(([table, count]) => `${count} of ${table}`)
      .join(', ')}`;
  });
  return andThen(looking, () => {
    stop.abort();
  });
}

/** @returns what was deleted, e.g. `{ operations: 1200 }` */
export async function deleteOldRecords(
  { config, database }: Pick<Parts, 'config' | 'database'>,
  stop?: AbortSignal,
): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {};
  for (const retention of retentions)
    for (let piece = 0; piece < mostPieces && !stop?.aborted; piece += 1) {
      const count = await deleteOld(database.direct, retention, config, atOnce);
      if (count > 0) deleted[retention.name] = (deleted[retention.name] ?? 0) + count;
      if (count < atOnce) break;
    }
  return deleted;
}
