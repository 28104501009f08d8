/** Hostings that are asleep, that could sleep, and that are to be woken. */
import type { Tx } from './database';

/** A running hosting that no operation is working on. */
export interface Restful {
  readonly id: string;
  readonly ip: string;
  /** Since it became ready, or since the last operation on it ended, drift checks excluded. */
  readonly restedSeconds: number;
}

/** Running hostings of a node that have a route and that no operation is working on. */
export function restfulHostings(tx: Tx, node: string): Promise<Restful[]> {
  return tx.query(
    `SELECT h.id, host(h.ip) AS ip, extract(epoch FROM clock_timestamp() - greatest(h.ready_at,
         (SELECT max(o.finished_at) FROM operations o WHERE o.stack_id = h.id AND o.kind <> 'plan-apply')))::float8
         AS "restedSeconds"
     FROM hostings h JOIN routes r ON r.hosting_id = h.id
     WHERE h.status = 'running' AND h.node = $1 AND h.ready_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.stack_id = h.id
         AND o.status IN ('pending', 'running', 'unwinding', 'stuck'))`,
    [node],
  );
}

/** True if an operation is waiting or running on this stack; a stuck one does not count. */
export async function isWorkedOn(tx: Tx, stackId: string): Promise<boolean> {
  const rows: unknown[] = await tx.query(
    `SELECT 1 FROM operations WHERE stack_id = $1 AND status IN ('pending', 'running', 'unwinding') LIMIT 1`,
    [stackId],
  );
  return rows.length > 0;
}

/** The hosting that an SSH port belongs to. */
export async function hostingOfPort(tx: Tx, port: number): Promise<string | null> {
  const [row]: { id: string }[] = await tx.query(`SELECT hosting_id AS id FROM ssh_ports WHERE port = $1`, [
    port,
  ]);
  return row?.id ?? null;
}
