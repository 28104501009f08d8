/** What the last look at each stack found: how what there is differs from what it was made from. */
import type { HostingDrift } from '../engine';
import type { Tx } from './database';

/** @param differences  e.g. `libvirt_domain.vm: update (running)`; empty where there is none */
export async function noteDrift(tx: Tx, stackId: string, differences: readonly string[]): Promise<void> {
  await tx.query(
    `INSERT INTO drift (stack_id, differences) VALUES ($1, $2)
     ON CONFLICT (stack_id) DO UPDATE SET differences = excluded.differences, checked_at = clock_timestamp()`,
    [stackId, JSON.stringify(differences)],
  );
}

/** Of every running hosting; those that differ first, then those whose look is the longest ago. */
export function driftOfHostings(tx: Tx): Promise<HostingDrift[]> {
  return tx.query(
    `SELECT h.id AS "hostingId", h.vm_name AS "vmName", u.username, d.checked_at AS "checkedAt",
       coalesce(d.differences, '[]') AS differences
     FROM hostings h JOIN users u ON u.id = h.user_id LEFT JOIN drift d ON d.stack_id = h.id
     WHERE h.status IN ('running', 'stopped')
     ORDER BY jsonb_array_length(coalesce(d.differences, '[]')) = 0, d.checked_at NULLS LAST, h.created_at`,
  );
}

/** Running hostings whose last look is the longest ago, and which nobody works on. */
export async function dueForDriftCheck(
  tx: Tx,
  { olderThanSeconds, limit }: { olderThanSeconds: number; limit: number },
): Promise<string[]> {
  const rows: { id: string }[] = await tx.query(
    `SELECT h.id FROM hostings h LEFT JOIN drift d ON d.stack_id = h.id
     WHERE h.status = 'running' AND coalesce(d.checked_at, h.ready_at, '-infinity') < clock_timestamp() - $1 * interval '1 s'
       AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.stack_id = h.id AND o.status IN ('pending', 'running', 'unwinding', 'stuck'))
     ORDER BY coalesce(d.checked_at, h.ready_at) NULLS FIRST LIMIT $2`,
    [olderThanSeconds, limit],
  );
  return rows.map((row) => row.id);
}
