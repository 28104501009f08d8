/** The result of the last check of each stack: how it differs from its specification. */
import type { DriftFound } from '../model/hosting';
import type { HostingDrift } from '../model/plan';
import type { Metrics } from '../model/metrics';
import type { Page } from '../model/page';
import type { Tx } from './database';

/** Records that a check was requested; a check that ends without `noteDrift` has failed. */
export async function noteDriftAsked(tx: Tx, stackId: string): Promise<void> {
  await tx.query(
    `INSERT INTO drift (stack_id, asked_at) VALUES ($1, clock_timestamp())
     ON CONFLICT (stack_id) DO UPDATE SET asked_at = excluded.asked_at`,
    [stackId],
  );
}

/** @param differences  e.g. `libvirt_domain.vm: update (running)`; empty if there is none */
export async function noteDrift(tx: Tx, stackId: string, differences: readonly string[]): Promise<void> {
  await tx.query(
    `INSERT INTO drift (stack_id, checked_at, differences) VALUES ($1, clock_timestamp(), $2)
     ON CONFLICT (stack_id) DO UPDATE SET differences = excluded.differences, checked_at = excluded.checked_at`,
    [stackId, JSON.stringify(differences)],
  );
}

/** True of a row `d` of drift when the newest look at its stack was begun and recorded nothing. */
const lookFailed = `(d.asked_at > coalesce(d.checked_at, '-infinity') AND NOT EXISTS (
  SELECT 1 FROM operations o WHERE o.stack_id = d.stack_id AND o.kind = 'plan-apply'
    AND o.status IN ('pending', 'running', 'unwinding')))`;

/** The columns of `DriftFound`, of hostings joined with drift as `d`. */
export const driftColumns = `d.checked_at AS "checkedAt", coalesce(d.differences, '[]') AS differences,
  coalesce(${lookFailed}, false) AS "lookFailed",
  CASE WHEN ${lookFailed} THEN (SELECT jsonb_build_object('code', o.failure_code, 'message', o.failure_message)
    FROM operations o WHERE o.stack_id = d.stack_id AND o.kind = 'plan-apply' AND o.failure_code IS NOT NULL
    ORDER BY o.created_at DESC LIMIT 1) END AS "lookFailure"`;

/** The result before the first check. */
export const neverLooked: DriftFound = {
  checkedAt: null,
  differences: [],
  lookFailed: false,
  lookFailure: null,
};

export async function driftOf(tx: Tx, stackId: string): Promise<DriftFound> {
  const [row]: DriftFound[] = await tx.query(`SELECT ${driftColumns} FROM drift d WHERE d.stack_id = $1`, [
    stackId,
  ]);
  return row ?? neverLooked;
}

/** The results of all running and sleeping hostings, oldest first. */
export function driftOfHostings(tx: Tx, { limit, after }: Page): Promise<HostingDrift[]> {
  return tx.query(
    `SELECT h.id AS "hostingId", h.vm_name AS "vmName", u.username, h.status = 'sleeping' AS "isAsleep",
       ${driftColumns}
     FROM hostings h JOIN users u ON u.id = h.user_id LEFT JOIN drift d ON d.stack_id = h.id
     WHERE h.status IN ('running', 'stopped', 'sleeping')
       AND ($2::uuid IS NULL OR (h.created_at, h.id) > (SELECT created_at, id FROM hostings WHERE id = $2))
     ORDER BY h.created_at, h.id LIMIT $1`,
    [limit, after ?? null],
  );
}

/** Counts for the hostings that are checked; all are 0 if there is none. */
export async function driftCounts(tx: Tx): Promise<Metrics['drift']> {
  const [row]: Metrics['drift'][] = await tx.query(
    `SELECT count(*) FILTER (WHERE jsonb_array_length(coalesce(d.differences, '[]')) > 0)::int AS hostings,
       count(*) FILTER (WHERE ${lookFailed})::int AS "failedLooks",
       greatest(0, extract(epoch FROM clock_timestamp() - min(coalesce(d.checked_at, h.ready_at))))::float8
         AS "oldestLookSeconds"
     FROM hostings h LEFT JOIN drift d ON d.stack_id = h.id WHERE h.status = 'running'`,
  );
  return row ?? { hostings: 0, failedLooks: 0, oldestLookSeconds: 0 };
}

/** Running hostings that no operation is working on, those whose last check (even a failed one) is longest ago first. */
export async function dueForDriftCheck(
  tx: Tx,
  { olderThanSeconds, limit }: { olderThanSeconds: number; limit: number },
): Promise<string[]> {
  const rows: { id: string }[] = await tx.query(
    `SELECT h.id FROM hostings h LEFT JOIN drift d ON d.stack_id = h.id
     WHERE h.status = 'running' AND coalesce(greatest(d.checked_at, d.asked_at), h.ready_at, '-infinity') < clock_timestamp() - $1 * interval '1 s'
       AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.stack_id = h.id AND o.status IN ('pending', 'running', 'unwinding', 'stuck'))
     ORDER BY coalesce(greatest(d.checked_at, d.asked_at), h.ready_at) NULLS FIRST LIMIT $2`,
    [olderThanSeconds, limit],
  );
  return rows.map((row) => row.id);
}
