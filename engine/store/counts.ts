/** Counts for the metrics: each a query that an index or a small table answers. */
import type { HostingStatus } from '../model/hosting';
import type { Metrics } from '../model/metrics';
import type { OperationKind, OperationStatus } from '../model/operation';
import type { Tx } from './database';

export interface OpenOperations {
  readonly kind: OperationKind;
  readonly status: OperationStatus;
  readonly count: number;
  /** Seconds since the oldest of them was accepted. */
  readonly seconds: number;
}

/** Unfinished operations and stuck ones; the condition is that of the index `operations_open`. */
export function openOperations(tx: Tx): Promise<OpenOperations[]> {
  return tx.query(
    `SELECT kind, status, count(*)::int AS count,
       greatest(0, extract(epoch FROM clock_timestamp() - min(created_at)))::float8 AS seconds
     FROM operations WHERE status IN ('pending', 'running', 'unwinding', 'stuck') GROUP BY kind, status`,
  );
}

/** The condition is that of the index `hostings_quota_key`. */
export function livingHostingCounts(tx: Tx): Promise<{ status: HostingStatus; count: number }[]> {
  return tx.query(
    `SELECT status, count(*)::int AS count FROM hostings
     WHERE user_id IS NOT NULL AND status NOT IN ('deleted', 'failed', 'ejected') GROUP BY status`,
  );
}

export async function usedSshPorts(tx: Tx): Promise<number> {
  const [row]: { used: number }[] = await tx.query(`SELECT count(*)::int AS used FROM ssh_ports`);
  return row?.used ?? 0;
}

/** Findings of the latest sweep, by kind; null before the first one. */
export async function newestSweepCounts(tx: Tx): Promise<Metrics['sweep']> {
  const [sweep]: NonNullable<Metrics['sweep']>[] = await tx.query(
    `SELECT greatest(0, extract(epoch FROM clock_timestamp() - at))::float8 AS "ageSeconds",
       (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'count', count)), '[]')
        FROM (SELECT finding ->> 'kind' AS kind, count(*) AS count
              FROM jsonb_array_elements(findings) finding GROUP BY 1) counted) AS findings
     FROM sweeps ORDER BY id DESC LIMIT 1`,
  );
  return sweep ?? null;
}

/** A worker that stops releases its lease; an expired lease is that of a worker that died. */
export async function leaseCounts(tx: Tx): Promise<Metrics['leases']> {
  const [row]: Metrics['leases'][] = await tx.query(
    `SELECT count(*) FILTER (WHERE expires_at > clock_timestamp())::int AS held,
       count(*) FILTER (WHERE expires_at <= clock_timestamp() AND expires_at <> '-infinity')::int AS expired FROM leases`,
  );
  return row ?? { held: 0, expired: 0 };
}

/** @param mode  TLS_MODE; certificates of other modes are not in use */
export function certificateCounts(tx: Tx, mode: string): Promise<Metrics['certificates']> {
  return tx.query(
    `SELECT name, extract(epoch FROM not_after - clock_timestamp())::float8 AS "secondsLeft", failures
     FROM certificates WHERE source = $1 ORDER BY name`,
    [mode],
  );
}

/** Operations that no worker has begun. A bigint in decimal. */
export async function countPending(tx: Tx): Promise<string> {
  const [row]: { waiting: string }[] = await tx.query(
    `SELECT count(*) AS waiting FROM operations WHERE status = 'pending'`,
  );
  return row?.waiting ?? '0';
}
