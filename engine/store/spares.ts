/**
 * Spares: hostings that are up, or saved to disk, and have no owner yet. A claim is one statement that skips spares locked
 * by another claim, so no two users ever get the same one and none waits for another.
 */
import type { SpareState, SpareStatus } from '../model/hosting';
import { type Tx, violatedConstraint } from './database';
import { type HostingRow, quotaExceeded } from './hostings';

type Size = Pick<HostingRow, 'node' | 'image' | 'memoryMiB' | 'vcpus' | 'diskGiB'>;

/**
 * A spare that came back with a backup may have got an owner since the backup was made, whom this database does not
 * know: it is neither given away nor taken away.
 */
const isOlderThanRestore = `EXISTS (SELECT 1 FROM restores r WHERE r.at >= h.ready_at)`;

/** What is being made or waits, and is not being removed. */
const isSpare = `h.user_id IS NULL AND h.status IN ('warming', 'spare', 'saved')`;

/** What a spare must be: as large as a new one would be, of the image that the node has now. */
const fits = `h.node = $1 AND h.image = $2 AND h.memory_mib = $3 AND h.vcpus = $4 AND h.disk_gib = $5
  AND n.prepared IS NOT NULL AND s.spec -> 'image' = n.images -> h.image AND s.spec ->> 'domainType' = n.domain_type`;

function sizeValues({ node, image, memoryMiB, vcpus, diskGiB }: Size): unknown[] {
  return [node, image, memoryMiB, vcpus, diskGiB];
}

export interface Claimed {
  readonly id: string;
  /** True if its VM has to be woken first. */
  readonly saved: boolean;
}

/**
 * Gives a user the spare that has waited longest, in the accepting transaction; a saved one if no running one waits.
 * From then on it is a hosting in creation, with its existing address and port.
 *
 * @returns null if none waits
 * @throws {EngineError} quota_exceeded
 */
export async function claimSpare(
  tx: Tx,
  owner: Pick<HostingRow, 'sshPublicKey' | 'labels'> & { readonly userId: number },
  size: Size,
): Promise<Claimed | null> {
  try {
    const [rows]: [Claimed[], number] = await tx.query(
      `WITH found AS (
         SELECT h.id, h.status = 'saved' AS saved
         FROM hostings h JOIN nodes n ON n.name = h.node JOIN stacks s ON s.id = h.id
         WHERE h.status IN ('spare', 'saved') AND ${fits} AND NOT ${isOlderThanRestore}
         ORDER BY saved, h.ready_at LIMIT 1 FOR UPDATE OF h SKIP LOCKED)
       UPDATE hostings SET user_id = $6, status = 'creating', ssh_public_key = $7, labels = $8,
         created_at = clock_timestamp(), ready_at = NULL
       FROM found WHERE hostings.id = found.id RETURNING found.id, found.saved`,
      [...sizeValues(size), owner.userId, owner.sshPublicKey, JSON.stringify(owner.labels)],
    );
    return rows[0] ?? null;
  } catch (thrown) {
    throw violatedConstraint(thrown) === 'hostings_quota_key' ? quotaExceeded() : thrown;
  }
}

/** Running spares are available at once, saved ones use no memory. */
export type SpareTier = 'running' | 'saved';

/** Marks a spare as waiting, unless it is being removed. */
export async function markSpare(tx: Tx, id: string, tier: SpareTier, readyAt: Date): Promise<void> {
  await tx.query(
    `UPDATE hostings SET status = $2, ready_at = $3 WHERE id = $1 AND status IN ('warming', $2)`,
    [id, tier === 'saved' ? 'saved' : 'spare', readyAt],
  );
}

export interface Spare {
  readonly id: string;
  readonly vmName: string;
  readonly status: SpareStatus;
  /** Its tier, now or once it has been made. */
  readonly tier: SpareTier;
  /** False if a create would now make a different kind of VM. */
  readonly fits: boolean;
}

/** Spares of a node in creation or waiting, oldest first. Spares being removed are not included. */
export function sparesOf(tx: Tx, size: Size): Promise<Spare[]> {
  return tx.query(
    `SELECT h.id, h.vm_name AS "vmName", h.status, coalesce(${fits}, h.status = 'warming') AS fits,
       CASE h.status WHEN 'spare' THEN 'running' WHEN 'saved' THEN 'saved'
         ELSE coalesce((SELECT o.input ->> 'tier' FROM operations o WHERE o.stack_id = h.id AND o.kind = 'make-spare'),
           'running') END AS tier
     FROM hostings h JOIN nodes n ON n.name = h.node LEFT JOIN stacks s ON s.id = h.id
     WHERE ${isSpare} AND h.node = $1
       AND NOT coalesce(${isOlderThanRestore}, false) ORDER BY h.created_at`,
    sizeValues(size),
  );
}

/** True if this spare still waits; it is then locked until the transaction ends, so that no claim takes it. */
export async function lockSpare(tx: Tx, id: string): Promise<boolean> {
  const rows: unknown[] = await tx.query(
    `SELECT 1 FROM hostings h WHERE h.id = $1 AND ${isSpare} FOR UPDATE SKIP LOCKED`,
    [id],
  );
  return rows.length === 1;
}

/** The highest number of creates within ten minutes of the last hour. */
export async function busiestTenMinutes(tx: Tx): Promise<number> {
  const [row]: { busiest: number }[] = await tx.query(
    `SELECT coalesce(max(n), 0)::int AS busiest FROM (
       SELECT count(*) AS n FROM operations
       WHERE kind IN ('create-hosting', 'claim-spare') AND created_at > now() - interval '1 h'
       GROUP BY floor(extract(epoch FROM clock_timestamp() - created_at) / 600)) per`,
  );
  return row?.busiest ?? 0;
}

/** The number of consecutive failures to make a spare, and the seconds since the last one. */
export async function failuresInARow(tx: Tx): Promise<{ failures: number; secondsAgo: number }> {
  const [row]: { failures: number; secondsAgo: number }[] = await tx.query(
    `SELECT count(*)::int AS failures,
       coalesce(extract(epoch FROM clock_timestamp() - max(finished_at)), 0)::float8 AS "secondsAgo"
     FROM operations WHERE kind = 'make-spare' AND status = 'failed' AND failure_code <> 'cancelled'
       AND created_at > coalesce((SELECT max(created_at) FROM operations
         WHERE kind = 'make-spare' AND status = 'succeeded'), '-infinity')`,
  );
  return row ?? { failures: 0, secondsAgo: 0 };
}

/** SSH ports of spares, from their step `door` on, and of claimed ones that have no route yet. */
export async function waitingPorts(tx: Tx): Promise<number[]> {
  const rows: { port: number }[] = await tx.query(
    `SELECT h.ssh_port AS port FROM hostings h
     WHERE (h.status IN ('spare', 'saved')
         OR h.status = 'warming' AND EXISTS (SELECT 1 FROM operations o JOIN operation_steps s ON s.operation_id = o.id
           WHERE o.stack_id = h.id AND o.kind = 'make-spare' AND s.name = 'door' AND s.status <> 'pending')
         OR h.status = 'creating' AND EXISTS (SELECT 1 FROM operations o
           WHERE o.stack_id = h.id AND o.kind = 'claim-spare' AND o.status IN ('pending', 'running')))
       AND NOT EXISTS (SELECT 1 FROM routes r WHERE r.hosting_id = h.id) ORDER BY 1`,
  );
  return rows.map(({ port }) => port);
}

export function spareCounts(tx: Tx): Promise<{ state: SpareState; count: number }[]> {
  return tx.query(
    `SELECT CASE status WHEN 'warming' THEN 'warming' WHEN 'spare' THEN 'waiting' WHEN 'saved' THEN 'saved'
         ELSE 'removing' END AS state,
       count(*)::int AS count
     FROM hostings WHERE user_id IS NULL AND status IN ('warming', 'spare', 'saved', 'deleting') GROUP BY 1`,
  );
}
