/** Looks for drift, a few hostings at a time, those first whose last look is the longest ago. */
import { lock } from '../store/locks';
import { acceptLook, planApply } from './plan-apply';
import type { Parts } from '../durable';
import { dueForDriftCheck } from '../store/drift';
import { countUnfinished } from '../store/operations';
import { every, type Reconciler } from '../base/every';

const intervalMs = 10_000;
/** Looks that wait or run, of all workers together: what users ask for must not queue behind them. */
const atOnce = 2;

export function reconcileDrift(
  parts: Pick<Parts, 'config' | 'database' | 'log' | 'queue'>,
): Reconciler | null {
  const { config, database, log } = parts;
  const olderThanSeconds = config.DRIFT_INTERVAL_SECONDS;
  if (olderThanSeconds === 0) return null;
  return every({ name: 'drift', intervalMs, log }, () =>
    database.transaction(async (tx) => {
      await lock(tx, 'drift');
      const limit = atOnce - (await countUnfinished(tx, planApply.kind));
      if (limit <= 0) return;
      const due = await dueForDriftCheck(tx, { olderThanSeconds, limit });
      for (const id of due) await acceptLook(parts, tx, id);
      return due.length === 0 ? undefined : `asked for ${due.length} checks`;
    }),
  );
}
