/** Hostings and what they take: the user's quota, an address, an SSH port. Unique constraints decide; the lock only avoids retries. */
import { In, Not } from 'typeorm';
import type { DriftFound, HostingFilter, HostingStatus, NamedHosting, SpareStatus } from '../model/hosting';
import type { Page } from '../model/page';
import { EngineError, type ErrorCode } from '../base/errors';
import { readHostingName } from '../machine/libvirt/names';
import type { PoolAddress } from '../base/addresses';
import { type Tx, violatedConstraint } from './database';
import { lock } from './locks';
import { driftColumns } from './drift';
import { removeDomainsOf } from './domains';
import { HostingRow } from './entities/hosting';

export type { HostingRow } from './entities/hosting';

/** An ejected hosting has ended for its user; its VM, name and address still exist: see ejections.ts. */
export const endedStatuses: (HostingStatus | SpareStatus)[] = ['deleted', 'failed', 'ejected'];

/** While a hosting should be running, its trouble, if any, is shown instead of its status. */
export const shownStatus = `CASE h.status WHEN 'running' THEN coalesce(h.trouble, h.status) ELSE h.status END`;

/** A hosting that has an owner. */
export type OwnedHosting = HostingRow & { readonly userId: number; readonly status: HostingStatus };

export type NewHosting = Pick<
  HostingRow,
  | 'id'
  | 'userId'
  | 'node'
  | 'vmName'
  | 'image'
  | 'memoryMiB'
  | 'vcpus'
  | 'diskGiB'
  | 'sshPublicKey'
  | 'labels'
>;

export interface ReservationLimits {
  /** First and last SSH port, inclusive. */
  readonly sshPorts: readonly [number, number];
  readonly canListen: (port: number) => Promise<boolean>;
  readonly addresses: readonly PoolAddress[];
}

/**
 * Inserts the hosting with the lowest free address and SSH port; without an owner, it is a spare in creation.
 * Call it in the accepting transaction.
 *
 * @throws {EngineError} quota_exceeded, ports_exhausted, addresses_exhausted
 */
export async function reserveHosting(tx: Tx, hosting: NewHosting, limits: ReservationLimits): Promise<void> {
  await lockReservations(tx);
  const port = await freePort(tx, limits);
  const address = await freeAddress(tx, hosting.node, limits.addresses);
  await insertHosting(tx, hosting, port, address);
}

/** Without this lock, concurrent accepts would all pick the same free port, and all but one would have to retry. */
export async function lockReservations(tx: Tx): Promise<void> {
  await lock(tx, 'reservations');
}

/** In one statement: whoever else wants to be accepted waits meanwhile. */
async function insertHosting(
  tx: Tx,
  hosting: NewHosting,
  port: number,
  { ip, mac }: PoolAddress,
): Promise<void> {
  const { id, userId, node, vmName, image, memoryMiB, vcpus, diskGiB, sshPublicKey, labels } = hosting;
  try {
    await tx.query(
      `WITH made AS (
         INSERT INTO hostings (id, user_id, node, vm_name, image, memory_mib, vcpus, disk_gib, ssh_public_key, labels,
           ssh_port, ip, mac, status)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)),
       port AS (INSERT INTO ssh_ports (port, hosting_id) VALUES ($11, $1))
       INSERT INTO address_leases (node, ip, hosting_id) VALUES ($3, $12, $1)`,
      [
        ...[id, userId, node, vmName, image, memoryMiB, vcpus, diskGiB, sshPublicKey, JSON.stringify(labels)],
        ...[port, ip, mac, userId === null ? 'warming' : 'creating'],
      ],
    );
  } catch (thrown) {
    throw violatedConstraint(thrown) === 'hostings_quota_key' ? quotaExceeded() : thrown;
  }
}

export function quotaExceeded(message?: string): EngineError {
  return new EngineError('quota_exceeded', message);
}

export async function freePort(
  tx: Tx,
  { sshPorts: [first, last], canListen }: Pick<ReservationLimits, 'sshPorts' | 'canListen'>,
): Promise<number> {
  for (let from = first; ;) {
    const [free]: { port: number }[] = await tx.query(
      // the lowest is the first of all or follows one in use; to try each of ten thousand took four times as long
      `SELECT port FROM (SELECT $1::int AS port WHERE $1 <= $2
         UNION ALL SELECT port + 1 FROM ssh_ports WHERE port >= $1 AND port < $2) candidate
       WHERE NOT EXISTS (SELECT 1 FROM ssh_ports p WHERE p.port = candidate.port) ORDER BY port LIMIT 1`,
      [from, last],
    );
    if (!free) break;
    // another program of the machine may hold it; it is passed over
    if (await canListen(free.port)) return free.port;
    from = free.port + 1;
  }
  throw new EngineError('ports_exhausted');
}

async function freeAddress(tx: Tx, node: string, pool: readonly PoolAddress[]): Promise<PoolAddress> {
  const taken: { ip: string }[] = await tx.query(
    `SELECT host(ip) AS ip FROM address_leases WHERE node = $1`,
    [node],
  );
  const used = new Set(taken.map((row) => row.ip));
  const free = pool.find((address) => !used.has(address.ip));
  if (free) return free;
  throw new EngineError('addresses_exhausted');
}

/** Releases address, port and domains, and ends the hosting. Idempotent. */
export async function releaseHosting(
  tx: Tx,
  id: string,
  end: { status: 'deleted' } | { status: 'failed'; code: ErrorCode; message: string },
): Promise<void> {
  await releaseReservations(tx, id);
  await removeDomainsOf(tx, id);
  const failure = end.status === 'failed' ? { failureCode: end.code, failureMessage: end.message } : {};
  await tx.update(
    HostingRow,
    // a hosting that was deleted while it was being made failed first
    { id, status: end.status === 'deleted' ? Not('deleted') : Not(In(endedStatuses)) },
    { status: end.status, endedAt: () => 'clock_timestamp()', ...failure },
  );
}

/** Releases route, port and address. Idempotent. */
export async function releaseReservations(tx: Tx, id: string): Promise<void> {
  await tx.query(`DELETE FROM routes WHERE hosting_id = $1`, [id]);
  await tx.query(`DELETE FROM ssh_ports WHERE hosting_id = $1`, [id]);
  await tx.query(`DELETE FROM address_leases WHERE hosting_id = $1`, [id]);
}

/**
 * Reserves route, port and address of a running or sleeping hosting again if they were lost.
 *
 * @returns false if it is no longer running, or another hosting has its port or address now
 */
export async function reserveAgain(tx: Tx, id: string): Promise<boolean> {
  // whoever accepts a removal waits for this row, and takes back what is given here
  const running: unknown[] = await tx.query(
    `SELECT 1 FROM hostings WHERE id = $1 AND status IN ('running', 'sleeping') FOR UPDATE`,
    [id],
  );
  if (running.length === 0) return false;
  await tx.query(
    `INSERT INTO ssh_ports (port, hosting_id) SELECT ssh_port, id FROM hostings WHERE id = $1 ON CONFLICT DO NOTHING`,
    [id],
  );
  await tx.query(
    `INSERT INTO address_leases (node, ip, hosting_id) SELECT node, ip, id FROM hostings WHERE id = $1
     ON CONFLICT DO NOTHING`,
    [id],
  );
  // two routes to one port would be refused by the proxy, and with them those of everybody else
  await tx.query(
    `INSERT INTO routes (hosting_id) SELECT h.id FROM hostings h
     JOIN ssh_ports p ON p.hosting_id = h.id AND p.port = h.ssh_port
     JOIN address_leases a ON a.hosting_id = h.id AND a.ip = h.ip WHERE h.id = $1 ON CONFLICT DO NOTHING`,
    [id],
  );
  const open: unknown[] = await tx.query(`SELECT 1 FROM routes WHERE hosting_id = $1`, [id]);
  return open.length === 1;
}

/** The reservations of a hosting, even an ended one. Routes are identified by the number in their path. */
export async function reservationsOf(
  tx: Tx,
  hostingId: string,
): Promise<{ ports: number[]; addresses: string[]; routes: number[] }> {
  const [row]: { ports: number[]; addresses: string[]; routes: number[] }[] = await tx.query(
    `SELECT ARRAY(SELECT port FROM ssh_ports WHERE hosting_id = $1) AS ports,
       ARRAY(SELECT host(ip) FROM address_leases WHERE hosting_id = $1) AS addresses,
       ARRAY(SELECT h.user_id FROM routes r JOIN hostings h ON h.id = r.hosting_id WHERE h.id = $1) AS routes`,
    [hostingId],
  );
  return row ?? { ports: [], addresses: [], routes: [] };
}

export function hasEnded({ status }: Pick<HostingRow, 'status'>): boolean {
  return endedStatuses.includes(status);
}

export function findHosting(tx: Tx, id: string): Promise<HostingRow | null> {
  return tx.findOneBy(HostingRow, { id });
}

/** Locks the hosting against other accepts until the transaction ends. @returns whether it has not ended */
export async function lockHosting(tx: Tx, id: string): Promise<boolean> {
  const rows: unknown[] = await tx.query(
    `SELECT 1 FROM hostings WHERE id = $1 AND status <> ALL ($2) FOR UPDATE`,
    [id, endedStatuses],
  );
  return rows.length === 1;
}

export async function getHosting(tx: Tx, id: string): Promise<HostingRow> {
  return tx.findOneByOrFail(HostingRow, { id });
}

export function isOwned(hosting: HostingRow): hosting is OwnedHosting {
  return hosting.userId !== null;
}

/** @throws {Error} if it has no owner, which is a bug */
export async function getOwnedHosting(tx: Tx, id: string): Promise<OwnedHosting> {
  const hosting = await getHosting(tx, id);
  if (!isOwned(hosting)) throw new Error(`hosting ${id} has no owner`);
  return hosting;
}

/** The user's newest hosting that has not ended. */
export async function findLivingHosting(tx: Tx, userId: number): Promise<OwnedHosting | null> {
  const where = { userId, status: Not(In(endedStatuses)) };
  return (await tx.findOne(HostingRow, { where, order: { createdAt: 'DESC' } })) as OwnedHosting | null;
}

/** Every hosting of a node that has not ended. */
export function livingHostings(tx: Tx, node: string): Promise<HostingRow[]> {
  return tx.find(HostingRow, {
    where: { node, status: Not(In(endedStatuses)) },
    order: { createdAt: 'ASC' },
  });
}

/** Marks a hosting as running, unless it is being deleted. */
export async function markRunning(tx: Tx, id: string, readyAt: Date): Promise<void> {
  await tx.update(HostingRow, { id, status: 'creating' }, { status: 'running', readyAt });
}

/**
 * Marks a running hosting as asleep. Idempotent.
 *
 * @returns false if it is neither running nor asleep: it is being removed
 */
export async function markAsleep(tx: Tx, id: string): Promise<boolean> {
  await tx.update(HostingRow, { id, status: 'running' }, { status: 'sleeping' });
  return (await getHosting(tx, id)).status === 'sleeping';
}

/** Undoes `markAsleep`; a hosting that is not asleep is left alone. */
export async function markAwake(tx: Tx, id: string): Promise<void> {
  await tx.update(HostingRow, { id, status: 'sleeping' }, { status: 'running' });
}

export async function updateHosting(
  tx: Tx,
  id: string,
  change: Partial<Pick<HostingRow, 'status' | 'sshHostKeys'>>,
): Promise<void> {
  await tx.update(HostingRow, { id }, change);
}

/**
 * SQL condition that `h` (with its user `u`) is named; an id is compared only with ids, and so on, so that a username
 * never matches another user's VM.
 *
 * @param first  number of the first of the parameters that `namedIn` returns
 */
export function isNamed(first: number): string {
  return `(h.id = ANY ($${first}::uuid[]) OR h.vm_name = ANY ($${first + 1}::text[]) OR u.username = ANY ($${first + 2}::text[]))`;
}

/** The ids, VM names and usernames among the typed texts. */
export function namedIn(typed: readonly string[]): [string[], string[], string[]] {
  const named = typed.map(readHostingName);
  return [
    named.flatMap((each) => (each?.kind === 'id' ? [each.id] : [])),
    named.flatMap((each) => (each?.kind === 'vm' ? [each.vmName] : [])),
    named.flatMap((each) => (each?.kind === 'user' ? [each.username] : [])),
  ];
}

/** Current hostings, oldest first, including those without an owner. @param page  those after the hosting `after`. @default all */
export async function selectHostings(
  tx: Tx,
  { names, labels, olderThanSeconds, status }: HostingFilter,
  page: Partial<Page> = {},
): Promise<NamedHosting[]> {
  const rows: (Omit<NamedHosting, 'drift'> & DriftFound)[] = await tx.query(
    `SELECT h.id, h.vm_name AS "vmName", coalesce(u.username, '-') AS username, ${shownStatus} AS status,
       h.created_at AS "createdAt", h.labels, ${driftColumns}
     FROM hostings h LEFT JOIN users u ON u.id = h.user_id LEFT JOIN drift d ON d.stack_id = h.id
     WHERE h.status <> ALL ($1)
       AND ($2::boolean OR ${isNamed(8)})
       AND h.labels @> $3::jsonb
       AND ($4::float8 IS NULL OR h.created_at < clock_timestamp() - $4 * interval '1 s')
       AND ($5::uuid IS NULL OR (h.created_at, h.id) > (SELECT created_at, id FROM hostings WHERE id = $5))
       AND ($7::text IS NULL OR h.status = $7)
     ORDER BY h.created_at, h.id LIMIT $6`,
    [
      endedStatuses,
      names.length === 0,
      JSON.stringify(labels),
      olderThanSeconds,
      page.after ?? null,
      page.limit ?? null,
      status ?? null,
      ...namedIn(names),
    ],
  );
  return rows.map(({ checkedAt, differences, lookFailed, lookFailure, ...hosting }) => ({
    ...hosting,
    drift: { checkedAt, differences, lookFailed, lookFailure },
  }));
}
