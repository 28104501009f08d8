/**
 * A user's own hosting with the result of its last check, in one plain statement. Clients request it again and again, and
 * the round trips to PostgreSQL are most of the cost of a response.
 */
import type { DriftFound } from '../model/hosting';
import type { Tx } from './database';
import { driftColumns } from './drift';
import type { HostingRow } from './entities/hosting';
import type { OwnedHosting } from './hostings';
import { prepared } from './prepared';

/** Every one, or it does not compile. */
const columnOf: Readonly<Record<keyof HostingRow, string>> = {
  id: 'id',
  userId: 'user_id',
  node: 'node',
  vmName: 'vm_name',
  status: 'status',
  image: 'image',
  memoryMiB: 'memory_mib',
  vcpus: 'vcpus',
  diskGiB: 'disk_gib',
  ip: 'ip',
  mac: 'mac',
  sshPort: 'ssh_port',
  sshPublicKey: 'ssh_public_key',
  sshHostKeys: 'ssh_host_keys',
  failureCode: 'failure_code',
  failureMessage: 'failure_message',
  createdAt: 'created_at',
  readyAt: 'ready_at',
  endedAt: 'ended_at',
  labels: 'labels',
  trouble: 'trouble',
};
const hostingColumns = Object.entries(columnOf).map(([name, column]) => `h.${column} AS "${name}"`);

export interface MyHosting {
  readonly hosting: OwnedHosting;
  readonly drift: DriftFound;
}

const mine = {
  name: 'my hosting',
  text: `SELECT ${hostingColumns.join(', ')}, ${driftColumns}
    FROM hostings h LEFT JOIN drift d ON d.stack_id = h.id
    WHERE h.user_id = $1 AND h.status NOT IN ('deleted', 'failed', 'ejected')
    ORDER BY h.created_at DESC LIMIT 1`,
};

/** The newest hosting that has not ended. @param tx  the plain pool */
export async function findMyHosting(tx: Tx, userId: number): Promise<MyHosting | null> {
  const [row] = await prepared<OwnedHosting & DriftFound>(tx, mine, [userId]);
  if (row === undefined) return null;
  const { checkedAt, differences, lookFailed, lookFailure, ...hosting } = row;
  return { hosting, drift: { checkedAt, differences, lookFailed, lookFailure } };
}
