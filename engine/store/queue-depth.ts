/** The length of the queue. */
import type { Metrics } from '../model/metrics';
import type { Tx } from './database';

/** Jobs that are due; a failed job is due after its delay. */
export async function queueDepth(tx: Tx): Promise<Metrics['queue']> {
  const [row]: Metrics['queue'][] = await tx.query(
    `SELECT count(*) FILTER (WHERE locked_at IS NULL)::int AS waiting,
       count(*) FILTER (WHERE locked_at IS NOT NULL)::int AS running,
       greatest(0, extract(epoch FROM clock_timestamp() - min(run_at) FILTER (WHERE locked_at IS NULL)))::float8
         AS "oldestSeconds"
     FROM graphile_worker.jobs WHERE run_at <= clock_timestamp()`,
  );
  return row === undefined
    ? { waiting: 0, running: 0, oldestSeconds: 0 }
    : { ...row, oldestSeconds: row.oldestSeconds ?? 0 };
}
