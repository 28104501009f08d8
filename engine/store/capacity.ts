/** What a node has, and what of it has been promised. A caller locks the reservations, so that no two take the same. */
import { type Need, type NodeCapacity, nodeFull, type Promised, shortageOf } from '../model/capacity';
import type { Config } from '../base/config';
import type { Tx } from './database';
import { lockReservations } from './hostings';

export async function saveCapacity(tx: Tx, node: string, capacity: NodeCapacity): Promise<void> {
  await tx.query(`UPDATE nodes SET capacity = $2 WHERE name = $1`, [node, JSON.stringify(capacity)]);
}

/** Of everything that has an address: until that is given back, its VM may be there. */
async function promisedOn(
  tx: Tx,
  node: string,
): Promise<Promised & { readonly capacity: NodeCapacity | null }> {
  const [row]: (Promised & { capacity: NodeCapacity | null })[] = await tx.query(
    `SELECT n.capacity,
       coalesce(sum(h.memory_mib) FILTER (WHERE h.status NOT IN ('sleeping', 'saved', 'stopped') OR h.busy), 0)::int
         AS "memoryMiB",
       coalesce(sum(h.memory_mib) FILTER (WHERE h.coming), 0)::int AS "comingMiB",
       coalesce(sum(h.disk_gib), 0)::int AS "diskGiB"
     FROM nodes n LEFT JOIN LATERAL (
       SELECT h.memory_mib, h.disk_gib, h.status, coalesce(o.busy, false) AS busy, coalesce(o.coming, false) AS coming
       -- one by one: among those that have ended the living are few
       FROM address_leases a CROSS JOIN LATERAL (SELECT * FROM hostings WHERE id = a.hosting_id LIMIT 1) h
       LEFT JOIN LATERAL (
         SELECT bool_or(kind IN ('sleep-hosting', 'wake-hosting', 'claim-spare')) AS busy,
           bool_or(kind IN ('create-hosting', 'make-spare', 'wake-hosting')
             OR kind = 'claim-spare' AND input ->> 'saved' = 'true') AS coming
         FROM operations WHERE stack_id = h.id AND status IN ('pending', 'running', 'unwinding')) o ON true
       WHERE a.node = n.name) h ON true
     WHERE n.name = $1 GROUP BY n.name, n.capacity`,
    [node],
  );
  return row ?? { capacity: null, memoryMiB: 0, comingMiB: 0, diskGiB: 0 };
}

/**
 * Call it in the accepting transaction, before anything is taken: nobody else is admitted until it ends. A node that no
 * worker has measured yet does not count as full; the capacity is checked again when the VM is made.
 *
 * @throws {EngineError} node_full
 */
export async function admitVm(tx: Tx, config: Config, need: Need): Promise<void> {
  await lockReservations(tx);
  const { capacity, ...promised } = await promisedOn(tx, config.NODE_NAME);
  if (capacity === null) return;
  const shortage = shortageOf(config, capacity, promised, need);
  if (shortage !== null) throw nodeFull(shortage, new Error(JSON.stringify({ capacity, promised, need })));
}
