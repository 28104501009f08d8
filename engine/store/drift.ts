/** What the last look at each stack found: how what there is differs from what it was made from. */
import type { Tx } from './database';

export interface DriftRow {
  readonly stackId: string;
  readonly checkedAt: Date;
  /** e.g. `libvirt_domain.vm: update`; empty where there is none. */
  readonly differences: readonly string[];
}

export async function noteDrift(tx: Tx, stackId: string, differences: readonly string[]): Promise<void> {
  await tx.query(
    `INSERT INTO drift (stack_id, differences) VALUES ($1, $2)
     ON CONFLICT (stack_id) DO UPDATE SET differences = excluded.differences, checked_at = clock_timestamp()`,
    [stackId, JSON.stringify(differences)],
  );
}

export async function driftOf(tx: Tx, stackId: string): Promise<DriftRow | null> {
  const [row] = await select(tx, 'WHERE stack_id = $1', [stackId]);
  return row ?? null;
}

export function allDrift(tx: Tx): Promise<DriftRow[]> {
  return select(tx, 'ORDER BY checked_at', []);
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

function select(tx: Tx, rest: string, values: readonly unknown[]): Promise<DriftRow[]> {
  return tx.query(`SELECT stack_id AS "stackId", checked_at AS "checkedAt", differences FROM drift ${rest}`, [
    ...values,
  ]);
}
