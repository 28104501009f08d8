/** The position of an operation in the queue, and when it is likely to end. */
import type { Operation } from '../model/operation';
import type { Tx } from './database';

/** What counts as lately; a machine under load is slower than it was yesterday. */
const lately = '1 hour';

/**
 * The estimate: the time that the running jobs still need plus that of the jobs ahead, divided by the number of jobs running
 * now, plus that of the operation itself. For each kind, the median of the last hour is used.
 */
export async function outlookOf(
  tx: Tx,
  operationId: string,
): Promise<Pick<Operation, 'queuePosition' | 'estimatedSeconds'>> {
  const [row]: { ahead: string | null; seconds: number | null }[] = await tx.query(
    `WITH usual AS (
       SELECT kind, percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at)) AS seconds
       FROM operations WHERE status = 'succeeded' AND finished_at > now() - $2::interval GROUP BY kind),
     due AS (
       SELECT j.id, j.key, j.task_identifier AS task, j.priority, j.run_at, j.locked_at, o.id AS operation, o.status,
         u.seconds, u.seconds - least(u.seconds, extract(epoch FROM clock_timestamp() - o.started_at)) AS rest
       FROM operations o JOIN graphile_worker.jobs j ON j.key = o.stack_id::text LEFT JOIN usual u USING (kind)
       WHERE o.status IN ('pending', 'running', 'unwinding')),
     mine AS (SELECT * FROM due WHERE operation = $1),
     others AS (SELECT due.* FROM due JOIN mine USING (task) WHERE due.key <> mine.key),
     running AS (SELECT count(DISTINCT key) AS jobs, sum(rest) AS rest FROM others WHERE locked_at IS NOT NULL),
     ahead AS (
       SELECT count(DISTINCT others.key) AS jobs, sum(others.seconds) AS seconds FROM others, mine
       WHERE others.locked_at IS NULL
         AND (others.priority, others.run_at, others.id) < (mine.priority, mine.run_at, mine.id))
     SELECT CASE WHEN mine.locked_at IS NULL AND mine.status = 'pending' THEN ahead.jobs END AS ahead,
       CASE WHEN mine.status = 'unwinding' THEN NULL
            WHEN mine.status = 'running' THEN mine.rest
            WHEN mine.locked_at IS NOT NULL THEN mine.seconds
            ELSE mine.seconds + (coalesce(running.rest, 0) + coalesce(ahead.seconds, 0)) / greatest(1, running.jobs)
       END::float8 AS seconds
     FROM mine, running, ahead`,
    [operationId, lately],
  );
  return {
    queuePosition: row?.ahead == null ? null : Number(row.ahead) + 1,
    estimatedSeconds: row?.seconds == null ? null : Math.ceil(row.seconds),
  };
}
