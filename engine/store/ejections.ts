/**
 * Ejected hostings: their VMs keep running with their names and addresses, but no longer belong to the service. Their
 * specifications are kept apart from the stacks, so that nothing plans or applies them.
 */
import type { HostingSpec } from '../../stacks';
import { EngineError } from '../base/errors';
import type { Named } from '../machine/libvirt/names';
import type { Tx } from './database';
import { HostingRow } from './entities/hosting';
import {
  freePort,
  isNamed,
  namedIn,
  lockReservations,
  quotaExceeded,
  type ReservationLimits,
} from './hostings';

/** The specification and state of an ejected hosting. */
export interface Ejection {
  readonly spec: HostingSpec;
  readonly stateSerial: number;
  readonly stateSealed: Buffer;
}

export type PortLimits = Pick<ReservationLimits, 'sshPorts' | 'canListen'>;

/**
 * Turns a running hosting into an ejected one: route, port and stack are removed, its address stays. Idempotent.
 *
 * @returns false if it was not running: it is being removed
 */
export async function letGo(tx: Tx, id: string): Promise<boolean> {
  // whoever accepts a removal waits for this row, or has been here before
  const [row]: { status: string }[] = await tx.query(
    `SELECT status FROM hostings WHERE id = $1 AND status IN ('running', 'ejected') FOR UPDATE`,
    [id],
  );
  if (row === undefined) return false;
  if (row.status === 'ejected') return true;
  await tx.query(
    `INSERT INTO ejections (hosting_id, spec, state_serial, state_sealed, resource_names)
     SELECT id, spec, state_serial, state_sealed, resource_names FROM stacks WHERE id = $1`,
    [id],
  );
  await tx.query(`UPDATE hostings SET status = 'ejected', ended_at = clock_timestamp() WHERE id = $1`, [id]);
  for (const statement of [
    `DELETE FROM stacks WHERE id = $1`,
    `DELETE FROM drift WHERE stack_id = $1`,
    `DELETE FROM routes WHERE hosting_id = $1`,
    `DELETE FROM ssh_ports WHERE hosting_id = $1`,
  ])
    await tx.query(statement, [id]);
  return true;
}

/** Undoes `letGo`, except for the route. Does nothing if `letGo` did nothing. */
export async function holdOn(tx: Tx, id: string, limits: PortLimits): Promise<void> {
  const [rows]: [{ ssh_port: number }[], number] = await tx.query(
    `UPDATE hostings SET status = 'running', ended_at = NULL WHERE id = $1 AND status = 'ejected' RETURNING ssh_port`,
    [id],
  );
  if (rows[0] === undefined) return;
  await tx.query(
    `INSERT INTO stacks (id, kind, spec, state_serial, state_sealed, resource_names, state_saved_at)
     SELECT hosting_id, 'hosting', spec, state_serial, state_sealed, resource_names, clock_timestamp() FROM ejections
     WHERE hosting_id = $1`,
    [id],
  );
  await tx.query(`DELETE FROM ejections WHERE hosting_id = $1`, [id]);
  await takePort(tx, id, rows[0].ssh_port, limits);
}

/** What describes a hosting when it is adopted. */
export type Adoptee = Pick<
  HostingRow,
  | 'id'
  | 'node'
  | 'vmName'
  | 'image'
  | 'memoryMiB'
  | 'vcpus'
  | 'diskGiB'
  | 'ip'
  | 'mac'
  | 'sshPort'
  | 'sshPublicKey'
  | 'sshHostKeys'
  | 'labels'
  | 'createdAt'
> & { readonly userId: number };

/**
 * Makes an ejected or unknown hosting a hosting of its user again, in creation: takes quota, name, address and a port.
 * Idempotent.
 *
 * @param wantedPort  null if its former port is not available
 * @returns its SSH port
 * @throws {EngineError} quota_exceeded, addresses_exhausted, ports_exhausted, validation_failed if it is a current hosting
 */
export async function takeIn(
  tx: Tx,
  adoptee: Adoptee,
  wantedPort: number | null,
  limits: PortLimits,
): Promise<number> {
  await lockReservations(tx);
  const { id, userId, node, ip } = adoptee;
  const known = await tx.findOneBy(HostingRow, { id });
  if (known !== null && known.status !== 'ejected' && known.status !== 'creating') throw notEjected(known);
  const others: unknown[] = await tx.query(
    `SELECT 1 FROM hostings WHERE user_id = $1 AND id <> $2 AND status NOT IN ('deleted', 'failed', 'ejected')`,
    [userId, id],
  );
  if (others.length > 0) throw quotaExceeded('The user already has a hosting; delete it first');
  if (known === null) await tx.insert(HostingRow, { ...adoptee, status: 'creating' });
  else await tx.update(HostingRow, { id }, { userId, status: 'creating', endedAt: null });
  await tx.query(
    `INSERT INTO address_leases (node, ip, hosting_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    [node, ip, id],
  );
  const held: unknown[] = await tx.query(
    `SELECT 1 FROM address_leases WHERE node = $1 AND ip = $2 AND hosting_id = $3`,
    [node, ip, id],
  );
  if (held.length === 0)
    throw new EngineError('addresses_exhausted', 'The address of this VM has been given to another hosting');
  return takePort(tx, id, wantedPort, limits);
}

/** Marks an adopted hosting as running, and deletes what was kept apart. */
export async function markAdopted(tx: Tx, id: string, sshHostKeys: string[], at: Date): Promise<void> {
  await tx.query(
    `UPDATE hostings SET status = 'running', ssh_host_keys = $2, ready_at = coalesce(ready_at, $3)
     WHERE id = $1 AND status = 'creating'`,
    [id, sshHostKeys, at],
  );
  await tx.query(`DELETE FROM ejections WHERE hosting_id = $1`, [id]);
}

/** Undoes `takeIn` and `markAdopted`. A hosting that the database did not know before stays in it as ejected. */
export async function putOut(tx: Tx, id: string, sshPort: number, ejection: Ejection): Promise<void> {
  await tx.query(
    `UPDATE hostings SET status = 'ejected', ended_at = clock_timestamp(), ssh_port = $2
     WHERE id = $1 AND status IN ('creating', 'running')`,
    [id, sshPort],
  );
  await tx.query(`DELETE FROM routes WHERE hosting_id = $1`, [id]);
  await tx.query(`DELETE FROM ssh_ports WHERE hosting_id = $1`, [id]);
  await tx.query(
    `INSERT INTO ejections (hosting_id, spec, state_serial, state_sealed)
     SELECT id, $2, $3, $4 FROM hostings WHERE id = $1 AND status = 'ejected' ON CONFLICT DO NOTHING`,
    [id, JSON.stringify(ejection.spec), ejection.stateSerial, ejection.stateSealed],
  );
}

/** Ends an ejected hosting whose VM is gone. Call it once nothing of the VM exists any more. */
export async function endEjected(tx: Tx, id: string): Promise<void> {
  await tx.query(`DELETE FROM ejections WHERE hosting_id = $1`, [id]);
  await tx.query(`UPDATE hostings SET status = 'deleted' WHERE id = $1 AND status = 'ejected'`, [id]);
}

export async function findEjection(tx: Tx, id: string): Promise<Ejection | null> {
  const [row]: (Omit<Ejection, 'stateSerial'> & { stateSerial: string })[] = await tx.query(
    `SELECT spec, state_serial AS "stateSerial", state_sealed AS "stateSealed" FROM ejections WHERE hosting_id = $1`,
    [id],
  );
  return row === undefined ? null : { ...row, stateSerial: Number(row.stateSerial) };
}

export function ejectedHostings(tx: Tx, node: string): Promise<HostingRow[]> {
  return tx.find(HostingRow, { where: { node, status: 'ejected' }, order: { createdAt: 'ASC' } });
}

/** Current and ejected hostings that this text names, newest first. Hostings without an owner are not included. */
export function findByName(tx: Tx, text: string): Promise<(Named & Pick<HostingRow, 'status'>)[]> {
  return tx.query(
    `SELECT h.id, h.vm_name AS "vmName", u.username, h.status FROM hostings h JOIN users u ON u.id = h.user_id
     WHERE h.status NOT IN ('deleted', 'failed') AND ${isNamed(1)} ORDER BY h.created_at DESC`,
    namedIn([text]),
  );
}

export function notEjected({ vmName, status }: Pick<HostingRow, 'vmName' | 'status'>): EngineError {
  return new EngineError('validation_failed', `${vmName} is not ejected but ${status}`);
}

/** The wanted one when no hosting has it, else the lowest free one; what it has already stays. */
async function takePort(tx: Tx, id: string, wanted: number | null, limits: PortLimits): Promise<number> {
  await lockReservations(tx);
  const [has]: { port: number }[] = await tx.query(`SELECT port FROM ssh_ports WHERE hosting_id = $1`, [id]);
  if (has !== undefined) return has.port;
  const taken: unknown[] = await tx.query(`SELECT 1 FROM ssh_ports WHERE port = $1`, [wanted]);
  const port = wanted !== null && taken.length === 0 ? wanted : await freePort(tx, limits);
  await tx.query(`INSERT INTO ssh_ports (port, hosting_id) VALUES ($1, $2)`, [port, id]);
  await tx.query(`UPDATE hostings SET ssh_port = $2 WHERE id = $1`, [id, port]);
  return port;
}
