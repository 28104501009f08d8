/** Reports of workers on the parts that only they can reach. Timed by the database's clock, since machines' clocks differ. */
import type { LastLook } from '../base/every';
import type { ComponentHealth, MachineMetrics } from '../model/metrics';
import type { Tx } from './database';

/** A worker that said nothing for so long is taken for gone. */
const freshSeconds = 30;

export interface WorkerReport {
  readonly worker: string;
  readonly components: readonly ComponentHealth[];
  /** Counts that only its machine knows; null for workers of an older version. */
  readonly machine: MachineMetrics | null;
  /** How its reconcilers were when it reported; null for workers of an older version. */
  readonly looks: readonly LastLook[] | null;
}

export interface FreshReport extends WorkerReport {
  /** Since it was made. */
  readonly ageSeconds: number;
}

/** Replaces the previous report of this worker, and deletes those of workers long gone. */
export async function recordReport(
  tx: Tx,
  { worker, components, machine, looks }: WorkerReport,
): Promise<void> {
  await tx.query(
    `INSERT INTO worker_reports (worker, at, components, machine, looks)
     VALUES ($1, clock_timestamp(), $2, $3, $4)
     ON CONFLICT (worker) DO UPDATE SET at = excluded.at, components = excluded.components,
       machine = excluded.machine, looks = excluded.looks`,
    [worker, JSON.stringify(components), JSON.stringify(machine), JSON.stringify(looks)],
  );
  await tx.query(`DELETE FROM worker_reports WHERE at < clock_timestamp() - interval '1 hour'`);
}

/** Call it when a worker stops, so that it disappears at once. */
export async function forgetReport(tx: Tx, worker: string): Promise<void> {
  await tx.query(`DELETE FROM worker_reports WHERE worker = $1`, [worker]);
}

/** Reports of live workers, newest first. */
export function freshReports(tx: Tx): Promise<FreshReport[]> {
  return tx.query(
    `SELECT worker, components, machine, looks,
       extract(epoch FROM clock_timestamp() - at)::float8 AS "ageSeconds" FROM worker_reports
     WHERE at > clock_timestamp() - $1 * interval '1 s' ORDER BY at DESC`,
    [freshSeconds],
  );
}
