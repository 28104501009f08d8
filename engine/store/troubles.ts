/** What was wrong with hostings that should be running, according to the last check. */
import type { HostingTrouble } from '../model/hosting';
import type { Tx } from './database';

export interface RunningVm {
  readonly id: string;
  readonly vmName: string;
  readonly mac: string;
  readonly ip: string;
  readonly trouble: HostingTrouble | null;
}

/** One that somebody works on is on its way, and is left to the next look. */
const atRest = `h.status = 'running' AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.stack_id = h.id
  AND o.kind <> 'plan-apply' AND o.status IN ('pending', 'running', 'unwinding', 'stuck'))`;

/** Hostings of a node that should be running and that no operation is working on. */
export function runningVms(tx: Tx, node: string): Promise<RunningVm[]> {
  return tx.query(
    `SELECT h.id, h.vm_name AS "vmName", h.mac::text AS mac, host(h.ip) AS ip, h.trouble
     FROM hostings h WHERE h.node = $1 AND ${atRest} ORDER BY h.id`,
    [node],
  );
}

/** Records the result of a check of these hostings; those with an operation in progress are left alone. */
export async function noteTroubles(
  tx: Tx,
  looked: readonly string[],
  found: ReadonlyMap<string, HostingTrouble>,
): Promise<void> {
  await tx.query(
    `UPDATE hostings h SET trouble = f.trouble
     FROM unnest($1::uuid[], $2::text[]) AS f(id, trouble)
     WHERE h.id = f.id AND h.trouble IS DISTINCT FROM f.trouble AND ${atRest}`,
    [[...looked], looked.map((id) => found.get(id) ?? null)],
  );
}

/** Call it once an operation has seen the hosting in order. */
export async function clearTrouble(tx: Tx, id: string): Promise<void> {
  await tx.query(`UPDATE hostings SET trouble = NULL WHERE id = $1 AND trouble IS NOT NULL`, [id]);
}

export async function troubleCounts(tx: Tx): Promise<{ trouble: HostingTrouble; count: number }[]> {
  return tx.query(
    `SELECT trouble, count(*)::int AS count FROM hostings
     WHERE status = 'running' AND trouble IS NOT NULL GROUP BY trouble ORDER BY trouble`,
  );
}
