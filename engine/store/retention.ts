/** Records past their retention. Each statement finds the oldest by an index and deletes a limited number of them. */
import type { Settings } from '../base/config';
import type { Tx } from './database';

export type Keeping = Pick<
  Settings,
  'RECORDS_KEEP_DAYS' | 'RUNS_KEEP_DAYS' | 'AUDIT_KEEP_DAYS' | 'IDEMPOTENCY_KEEP_HOURS' | 'USERNAME_REST_DAYS'
>;

interface Retention {
  /** What is deleted, for the log. */
  readonly name: string;
  readonly keepDays: (keeping: Keeping) => number;
  /** `$1` is the number of days, `$2` the maximum number of rows. */
  readonly statement: string;
}

/** Not clock_timestamp(): what may change from row to row leads to none by an index. */
const before = `now() - $1 * interval '1 day'`;

/** A run tells what its operation did. */
const recordDays = ({ RECORDS_KEEP_DAYS, RUNS_KEEP_DAYS }: Keeping): number =>
  Math.max(RECORDS_KEEP_DAYS, RUNS_KEEP_DAYS);

/** In this order: records go before the records that they refer to. */
export const retentions: readonly Retention[] = [
  {
    name: 'runs',
    keepDays: ({ RUNS_KEEP_DAYS }) => RUNS_KEEP_DAYS,
    statement: `DELETE FROM runs WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM runs WHERE started_at < ${before} ORDER BY started_at LIMIT $2))`,
  },
  {
    name: 'idempotency keys',
    keepDays: ({ IDEMPOTENCY_KEEP_HOURS }) => IDEMPOTENCY_KEEP_HOURS / 24,
    statement: `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM idempotency_keys WHERE created_at < ${before} ORDER BY created_at LIMIT $2))`,
  },
  {
    // with their steps, events and runs
    name: 'operations',
    keepDays: recordDays,
    statement: `DELETE FROM operations WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM operations WHERE status IN ('succeeded', 'failed') AND finished_at < ${before}
      ORDER BY finished_at LIMIT $2))`,
  },
  {
    name: 'ended hostings',
    keepDays: recordDays,
    // what still refers to one is for the sweep
    statement: `DELETE FROM hostings WHERE ctid = ANY (ARRAY(
      SELECT h.ctid FROM hostings h WHERE status IN ('deleted', 'failed') AND ended_at < ${before}
        AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.hosting_id = h.id)
        AND NOT EXISTS (SELECT 1 FROM stacks s WHERE s.id = h.id)
        AND NOT EXISTS (SELECT 1 FROM routes r WHERE r.hosting_id = h.id)
        AND NOT EXISTS (SELECT 1 FROM ssh_ports p WHERE p.hosting_id = h.id)
        AND NOT EXISTS (SELECT 1 FROM address_leases a WHERE a.hosting_id = h.id)
        AND NOT EXISTS (SELECT 1 FROM domains d WHERE d.hosting_id = h.id)
        AND NOT EXISTS (SELECT 1 FROM ejections e WHERE e.hosting_id = h.id)
      ORDER BY ended_at LIMIT $2))`,
  },
  {
    name: 'ended API tokens',
    keepDays: ({ RECORDS_KEEP_DAYS }) => RECORDS_KEEP_DAYS,
    statement: `DELETE FROM api_tokens WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM api_tokens WHERE least(revoked_at, expires_at) < ${before}
      ORDER BY least(revoked_at, expires_at) LIMIT $2))`,
  },
  {
    name: 'retired usernames',
    keepDays: ({ USERNAME_REST_DAYS }) => USERNAME_REST_DAYS,
    statement: `DELETE FROM retired_usernames WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM retired_usernames WHERE retired_at < ${before} ORDER BY retired_at LIMIT $2))`,
  },
  {
    // PostgreSQL itself refuses it for a record younger than 90 days
    name: 'audit records',
    keepDays: ({ AUDIT_KEEP_DAYS }) => AUDIT_KEEP_DAYS,
    statement: `DELETE FROM audit_log WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM (SELECT ctid, at FROM audit_log ORDER BY id LIMIT $2) oldest WHERE at < ${before}))`,
  },
];

/** @returns the number deleted; less than `limit` once none is left */
export async function deleteOld(
  tx: Tx,
  { keepDays, statement }: Retention,
  keeping: Keeping,
  limit: number,
): Promise<number> {
  const [, deleted]: [unknown[], number] = await tx.query(statement, [keepDays(keeping), limit]);
  return deleted;
}
