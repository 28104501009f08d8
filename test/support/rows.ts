/**
 * Rows as a test needs them: older than they are, in another state, or lost. It goes past the engine on purpose, so a
 * state that the engine can reach itself is not made here. What is the subject of one test alone stays in that test.
 */
import type { HostingStatus } from '../../engine/model/hosting';
import type { Tx } from '../../engine/store/database';
import { claimLease } from '../../engine/store/leases';

/** `database.direct`, a transaction, or the world of a system test: its statements run where its database is. */
export interface Rows {
  query(sql: string): Promise<unknown>;
}

/** Columns and their values; all rows of the table if there is none. */
type Which = Readonly<Record<string, string | number>>;
export type Span = `${number} ${'s' | 'min' | 'h' | 'days'}`;

const literal = (value: string | number | Buffer): string =>
  Buffer.isBuffer(value) ? `'\\x${value.toString('hex')}'` : `'${String(value).replaceAll("'", "''")}'`;

const where = (which: Which, ...more: string[]): string => {
  const conditions = Object.entries(which).map(([column, value]) => `${column} = ${literal(value)}`);
  const all = [...conditions, ...more];
  return all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`;
};

async function change(rows: Rows, table: string, columns: string, which: Which = {}): Promise<void> {
  await rows.query(`UPDATE ${table} SET ${columns}${where(which)}`);
}

async function lose(rows: Rows, table: string, which: Which = {}): Promise<void> {
  await rows.query(`DELETE FROM ${table}${where(which)}`);
}

/** As if this moment of the rows had been `span` ago; rows that do not have it yet stay without it. */
export async function happenedAgo(
  rows: Rows,
  table: string,
  column: string,
  span: Span,
  which: Which = {},
): Promise<void> {
  const moment = `clock_timestamp() - interval ${literal(span)}`;
  await rows.query(`UPDATE ${table} SET ${column} = ${moment}${where(which, `${column} IS NOT NULL`)}`);
}

// Leases

/** Every lease has expired without being given back. */
export const expireLeases = (rows: Rows): Promise<void> =>
  change(rows, 'leases', `expires_at = clock_timestamp() - interval '1 s'`);

/** Another worker has taken over the stack of a worker that was too slow. */
export async function loseLease(tx: Tx, stackId: string): Promise<void> {
  await expireLeases(tx);
  await claimLease(tx, stackId, 'another worker', 30_000);
}

// Operations and their jobs

export const acceptedAgo = (rows: Rows, span: Span, which?: Which): Promise<void> =>
  happenedAgo(rows, 'operations', 'created_at', span, which);

export const endedAgo = (rows: Rows, span: Span, which?: Which): Promise<void> =>
  happenedAgo(rows, 'operations', 'finished_at', span, which);

export const asIfStuck = (rows: Rows, which: Which): Promise<void> =>
  change(rows, 'operations', `status = 'stuck', finished_at = NULL`, which);

export const asIfFailed = (rows: Rows, which?: Which): Promise<void> =>
  change(rows, 'operations', `status = 'failed', finished_at = clock_timestamp()`, which);

/** The priority that the operations were accepted with; jobs with a greater number wait longer. */
export const giveTurn = (rows: Rows, priority: number, which: Which): Promise<void> =>
  change(rows, 'operations', `priority = ${priority}`, which);

/** A worker has been running the operation for this many seconds. */
export async function asIfRunning(rows: Rows, id: string, seconds: number): Promise<void> {
  await rows.query(
    `UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'test'
     WHERE key = (SELECT stack_id::text FROM operations WHERE id = ${literal(id)})`,
  );
  await change(rows, 'operations', `status = 'running'`, { id });
  await change(rows, 'operations', `started_at = clock_timestamp() - interval '${seconds} s'`, { id });
}

/** An operation that took this many seconds and ended `span` ago. */
export async function endedBefore(rows: Rows, kind: string, seconds: number, span: Span): Promise<void> {
  const end = `clock_timestamp() - interval ${literal(span)}`;
  await rows.query(
    `INSERT INTO operations (id, kind, stack_id, status, started_at, finished_at) VALUES (gen_random_uuid(),
       ${literal(kind)}, gen_random_uuid(), 'succeeded', ${end} - interval '${seconds} s', ${end})`,
  );
}

/** The queue has forgotten the jobs; what they were for still waits. */
export const loseJobs = (rows: Rows, stackId?: string): Promise<void> =>
  lose(rows, 'graphile_worker._private_jobs', stackId === undefined ? {} : { key: stackId });

const jobStates = {
  free: `locked_at = NULL, locked_by = NULL`,
  taken: `locked_at = now(), locked_by = 'w'`,
  'taken a minute ago': `locked_at = now() - interval '1 min', locked_by = 'w'`,
  'due in an hour, after nine attempts': `locked_at = NULL, locked_by = NULL, run_at = now() + interval '1 h', attempts = 9`,
  'given up': `locked_at = NULL, locked_by = NULL, run_at = now(), attempts = max_attempts`,
};

export const asIfJobsWere = (rows: Rows, state: keyof typeof jobStates): Promise<void> =>
  change(rows, 'graphile_worker._private_jobs', jobStates[state]);

// Hostings and what they hold

/** The row alone says so: the VM stays as it is. */
export const asIfHostingWas = (rows: Rows, status: HostingStatus, which?: Which): Promise<void> =>
  change(rows, 'hostings', `status = ${literal(status)}`, which);

export const createdAgo = (rows: Rows, span: Span, which?: Which): Promise<void> =>
  happenedAgo(rows, 'hostings', 'created_at', span, which);

/** All of them at once, to the microsecond. */
export const createdTogether = (rows: Rows): Promise<void> =>
  change(rows, 'hostings', `created_at = '2026-01-31T12:00:00.123456Z'`);

export const readyAgo = (rows: Rows, span: Span, which?: Which): Promise<void> =>
  happenedAgo(rows, 'hostings', 'ready_at', span, which);

/** The hosting keeps its port, address or route, and no row reserves it. */
export const loseReservations = (
  rows: Rows,
  table: 'ssh_ports' | 'address_leases' | 'routes',
  which?: Which,
): Promise<void> => lose(rows, table, which);

/** As in another database: no row knows of a hosting that was ejected. What it owns on the machine is not touched. */
export async function forgetEjected(rows: Rows): Promise<void> {
  await lose(rows, 'ejections');
  await lose(rows, 'address_leases');
  await change(rows, 'operations', 'hosting_id = NULL');
  await lose(rows, 'hostings', { status: 'ejected' });
}

// Stacks, their states and runs

/** @param path  in the specification, e.g. `{node,uri}` */
export const changeSpec = (rows: Rows, id: string, path: string, json: string): Promise<void> =>
  change(rows, 'stacks', `spec = jsonb_set(spec, ${literal(path)}, ${literal(json)})`, { id });

/** Nothing was ever made of the stack. */
export const loseSpec = (rows: Rows): Promise<void> => change(rows, 'stacks', `spec = NULL`);

export const loseState = (rows: Rows): Promise<void> =>
  change(rows, 'stacks', `state_sealed = NULL, state_serial = NULL`);

/** A state that no key of this service opens. */
export const sealWithUnknownKey = (rows: Rows, which?: Which): Promise<void> =>
  change(rows, 'stacks', `state_sealed = decode('02' || repeat('00', 40), 'hex')`, which);

export const replaceState = (rows: Rows, id: string, sealed: Buffer): Promise<void> =>
  change(rows, 'stacks', `state_sealed = ${literal(sealed)}`, { id });

export const numberState = (rows: Rows, serial: number, which?: Which): Promise<void> =>
  change(rows, 'stacks', `state_serial = ${serial}`, which);

/** Somebody else has saved another state in the meantime. */
export const saveAnotherState = (rows: Rows, id: string): Promise<void> =>
  change(rows, 'stacks', `state_serial = state_serial + 1`, { id });

/** Versions before this one kept no names beside a state. */
export const loseResourceNames = (rows: Rows): Promise<void> =>
  change(rows, 'stacks', `resource_names = NULL`);

export const keepFirstResourceName = (rows: Rows): Promise<void> =>
  change(rows, 'stacks', `resource_names = resource_names[1:1]`);

export const replaceLog = (rows: Rows, runId: string, log: string): Promise<void> =>
  change(rows, 'runs', `log = ${literal(log)}`, { id: runId });

/** Runs whose worker died on them. */
export async function startedAgoWithoutEnd(rows: Rows, span: Span): Promise<void> {
  await happenedAgo(rows, 'runs', 'started_at', span);
  await change(rows, 'runs', `finished_at = NULL`);
}

export const checkedForDriftAgo = (rows: Rows, span: Span, which?: Which): Promise<void> =>
  happenedAgo(rows, 'drift', 'checked_at', span, which);

export const askedForDriftAgo = (rows: Rows, span: Span): Promise<void> =>
  happenedAgo(rows, 'drift', 'asked_at', span);

// The node, its certificates and workers

/** What `node prepare` once did no longer counts. */
export const asIfUnprepared = (rows: Rows): Promise<void> => change(rows, 'nodes', `prepared = NULL`);

export const asIfNeverPrepared = (rows: Rows): Promise<void> =>
  change(rows, 'nodes', `prepared = NULL, images = '{}', domain_type = NULL`);

/** The base image was built anew. */
export const replaceBaseImage = (rows: Rows): Promise<void> =>
  change(
    rows,
    'nodes',
    `images = '{"micro": {"baseVolumePath": "/pool/newer.qcow2", "boot": {"kind": "disk"}}}'`,
  );

/** The certificate is due: to be renewed, to ask its authority about that, or to be tried again after a failure. */
export const certificateIsDue = (
  rows: Rows,
  column: 'renew_at' | 'ask_again_at' | 'next_try_at',
  which?: Which,
): Promise<void> => change(rows, 'certificates', `${column} = clock_timestamp() - interval '1 s'`, which);

export const reportedAgo = (rows: Rows, worker: string, span: Span): Promise<void> =>
  happenedAgo(rows, 'worker_reports', 'at', span, { worker });

// Accounts

/** Past the rules for usernames, as in an account that is older than they are. */
export const renameUser = (rows: Rows, id: number, username: string): Promise<void> =>
  change(rows, 'users', `username = ${literal(username)}`, { id });

/** The account is marked as deleted and keeps everything else. */
export const markUserDeleted = (rows: Rows, id: number): Promise<void> =>
  change(rows, 'users', `deleted_at = clock_timestamp()`, { id });

/** An address as versions stored it that knew no other form of it. */
export const keepEmailAsTyped = (rows: Rows, id: number, typed: string): Promise<void> =>
  change(rows, 'users', `email = ${literal(typed)}, email_key = ${literal(typed)}`, { id });

export const retiredAgo = (rows: Rows, username: string, span: Span): Promise<void> =>
  happenedAgo(rows, 'retired_usernames', 'retired_at', span, { username });

export const expireApiToken = (rows: Rows, id: string): Promise<void> =>
  change(rows, 'api_tokens', `expires_at = clock_timestamp()`, { id });

/** The windows of rate limits have passed. */
export const endRateLimits = (rows: Rows, which?: Which): Promise<void> =>
  change(rows, 'rate_limits', `ends_at = clock_timestamp()`, which);
