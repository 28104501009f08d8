/** The contents of Postgres at one moment. */
import type { HostingStatus, SpareStatus } from '../model/hosting';
import type { OperationKind } from '../model/operation';
import type { Database, Tx } from './database';
import type { StateMark } from '../machine/terraform/judge-state';

export interface HostingRecord {
  readonly id: string;
  readonly vmName: string;
  readonly status: HostingStatus | SpareStatus;
  readonly ip: string;
  readonly mac: string;
  readonly sshPort: number;
}

export interface OperationRecord {
  readonly id: string;
  readonly kind: OperationKind;
  readonly stackId: string;
  readonly reason: string | null;
}

/** What is known of a stack's state without opening it. */
export interface StackRecord {
  /** The first bytes of the seal, which name its key; null before the first run. */
  readonly seal: Buffer | null;
  /** null if nobody has read the state yet. */
  readonly names: readonly string[] | null;
  /** null in the same case as `names`. */
  readonly mark: StateMark | null;
}

export interface Records {
  /** Hostings of this node whose VMs are needed: those that have not ended, including spares, and ejected ones. */
  readonly living: ReadonlyMap<string, HostingRecord>;
  /** Stacks that a worker is working on or about to. */
  readonly busy: ReadonlySet<string>;
  /** Stacks of nodes. */
  readonly nodes: ReadonlySet<string>;
  readonly stacks: ReadonlyMap<string, StackRecord>;
  readonly routes: ReadonlySet<string>;
  /** Hosting -> SSH port. */
  readonly ports: ReadonlyMap<string, number>;
  /** Hosting -> address. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly stuck: readonly OperationRecord[];
  readonly idle: readonly OperationRecord[];
}

/** An operation that nobody has taken up for this long is not just waiting for a free worker's next look. */
const idleSeconds = 120;

export function readRecords(database: Database, node: string): Promise<Records> {
  // one snapshot for all of them
  return database.transaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return {
      living: byId(await living(tx, node)),
      busy: new Set((await busyStacks(tx)).map((row) => row.id)),
      nodes: new Set(
        (await rows<{ id: string }>(tx, `SELECT stack_id AS id FROM nodes`)).map((row) => row.id),
      ),
      stacks: new Map((await stacks(tx)).map(({ id, ...stack }) => [id, stack])),
      routes: new Set(
        (await rows<{ id: string }>(tx, `SELECT hosting_id AS id FROM routes`)).map((row) => row.id),
      ),
      ports: new Map((await ports(tx)).map((row) => [row.id, row.port])),
      addresses: new Map((await addresses(tx, node)).map((row) => [row.id, row.ip])),
      stuck: await operations(tx, `o.status = 'stuck'`),
      idle: await operations(tx, `o.status IN ('pending', 'running', 'unwinding') AND ${abandoned}`),
    };
  });
}

/** The hostings among these that the database knows, including ended ones. */
export async function knownHostings(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  const found = await rows<{ id: string }>(tx, `SELECT id FROM hostings WHERE id = ANY ($1::uuid[])`, [ids]);
  return new Set(found.map((row) => row.id));
}

const abandoned = `coalesce(l.expires_at, '-infinity') < clock_timestamp() - interval '${idleSeconds} s'
  AND greatest(o.created_at, (SELECT max(e.at) FROM operation_events e WHERE e.operation_id = o.id))
    < clock_timestamp() - interval '${idleSeconds} s'`;

function living(tx: Tx, node: string): Promise<HostingRecord[]> {
  return rows(
    tx,
    `SELECT id, vm_name AS "vmName", status, host(ip) AS ip, mac::text AS mac, ssh_port AS "sshPort"
     FROM hostings
     WHERE node = $1 AND status NOT IN ('deleted', 'failed')`,
    [node],
  );
}

function busyStacks(tx: Tx): Promise<{ id: string }[]> {
  return rows(
    tx,
    `SELECT stack_id AS id FROM operations WHERE status IN ('pending', 'running', 'unwinding', 'stuck')
     UNION SELECT stack_id FROM leases WHERE expires_at > clock_timestamp()`,
  );
}

function stacks(tx: Tx): Promise<({ id: string } & StackRecord)[]> {
  return rows(
    tx,
    `SELECT id, substr(state_sealed, 1, 16) AS seal, resource_names AS names, state_mark AS mark
     FROM stacks WHERE kind = 'hosting'`,
  );
}

function ports(tx: Tx): Promise<{ id: string; port: number }[]> {
  return rows(tx, `SELECT hosting_id AS id, port FROM ssh_ports`);
}

function addresses(tx: Tx, node: string): Promise<{ id: string; ip: string }[]> {
  return rows(tx, `SELECT hosting_id AS id, host(ip) AS ip FROM address_leases WHERE node = $1`, [node]);
}

function operations(tx: Tx, condition: string): Promise<OperationRecord[]> {
  return rows(
    tx,
    `SELECT o.id, o.kind, o.stack_id AS "stackId", o.failure_message AS reason
     FROM operations o LEFT JOIN leases l USING (stack_id) WHERE ${condition} ORDER BY o.created_at`,
  );
}

function rows<T>(tx: Tx, sql: string, values: readonly unknown[] = []): Promise<T[]> {
  return tx.query(sql, [...values]);
}

function byId<T extends { id: string }>(list: readonly T[]): Map<string, T> {
  return new Map(list.map((each) => [each.id, each]));
}
