/**
 * The right to work on a stack. One owner at a time; the token grows with every claim, and every write of an
 * operation checks it, so that a worker that overslept its lease is refused at its next write.
 */
import { EngineError } from '../base/errors';
import type { Database, Tx } from './database';

export interface Lease {
  readonly stackId: string;
  readonly owner: string;
  readonly token: string;
}

/** The first token of a stack: one that was forgotten with its stack and comes again gets greater ones than before. */
const firstToken = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`;

/** Takes the lease if nobody holds it or it has expired; null if somebody holds it. */
export async function claimLease(
  tx: Tx,
  stackId: string,
  owner: string,
  ttlMs: number,
): Promise<Lease | null> {
  const rows: { token: string }[] = await tx.query(
    `INSERT INTO leases AS held (stack_id, owner, token, expires_at)
     VALUES ($1, $2, ${firstToken}, clock_timestamp() + $3 * interval '1 ms')
     ON CONFLICT (stack_id) DO UPDATE
       SET owner = excluded.owner, token = held.token + 1, expires_at = excluded.expires_at
       WHERE held.expires_at <= clock_timestamp()
     RETURNING token`,
    [stackId, owner, ttlMs],
  );
  return rows[0] ? { stackId, owner, token: rows[0].token } : null;
}

/** Extends the lease; false if it was lost. */
export async function renewLease(tx: Tx, lease: Lease, ttlMs: number): Promise<boolean> {
  const [rows]: [unknown[], number] = await tx.query(
    `UPDATE leases SET expires_at = clock_timestamp() + $3 * interval '1 ms'
     WHERE stack_id = $1 AND token = $2 AND expires_at > clock_timestamp() RETURNING 1`,
    [lease.stackId, lease.token, ttlMs],
  );
  return rows.length === 1;
}

/** Releases the lease. The row stays as long as the stack exists: its next token is this one plus one. */
export async function releaseLease(tx: Tx, lease: Lease): Promise<void> {
  await tx.query(
    `WITH given AS (
       UPDATE leases SET expires_at = '-infinity'
       WHERE stack_id = $1 AND token = $2 AND EXISTS (SELECT 1 FROM stacks WHERE id = $1))
     DELETE FROM leases WHERE stack_id = $1 AND token = $2 AND NOT EXISTS (SELECT 1 FROM stacks WHERE id = $1)`,
    [lease.stackId, lease.token],
  );
}

/** Who works on a stack right now. */
export async function leaseHolders(tx: Tx): Promise<string[]> {
  const rows: { owner: string }[] = await tx.query(
    `SELECT DISTINCT owner FROM leases WHERE expires_at > clock_timestamp() ORDER BY owner`,
  );
  return rows.map(({ owner }) => owner);
}

/**
 * Revokes all leases, after a restore: tokens of a backup may have been issued again since it was made. From now on,
 * tokens count from the current time in microseconds, which no token reaches by being claimed one by one, so that any
 * earlier holder is refused. Stacks without a lease get such a token too.
 */
export async function revokeLeases(tx: Tx): Promise<void> {
  await tx.query(
    `INSERT INTO leases AS held (stack_id, owner, token, expires_at)
     SELECT stack_id, 'restore', ${firstToken}, '-infinity'
     FROM (SELECT id AS stack_id FROM stacks UNION SELECT stack_id FROM operations UNION SELECT stack_id FROM leases) known
     ON CONFLICT (stack_id) DO UPDATE
       SET owner = excluded.owner, token = greatest(held.token + 1, excluded.token), expires_at = excluded.expires_at`,
  );
}

/**
 * Runs `body` in a transaction that only commits while `lease` is held.
 *
 * @throws {EngineError} lease_lost
 */
export function fenced<T>(database: Database, lease: Lease, body: (tx: Tx) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    const rows: unknown[] = await tx.query(
      `SELECT 1 FROM leases WHERE stack_id = $1 AND token = $2 AND expires_at > clock_timestamp() FOR UPDATE`,
      [lease.stackId, lease.token],
    );
    if (rows.length === 0) throw new EngineError('lease_lost');
    return body(tx);
  });
}
