/** Reports of workers on the parts that only they can reach. Timed by the database's clock, since machines' clocks differ. */
import type { ComponentHealth, MachineMetrics } from '../model/metrics';
import type { Tx } from './database';

/** A worker that said nothing for so long is taken for gone. */
const freshSeconds = 30;

export interface WorkerReport {
  readonly worker: string;
  readonly components: readonly ComponentHealth[];
  /** Counts that only its machine knows; null for workers of an older version. */
  readonly machine: MachineMetrics | null;
}

/** Replaces the previous report of this worker, and deletes those of workers long gone. */
export async function recordReport(tx: Tx, { worker, components, machine }: WorkerReport): Promise<void> {
  await tx.query(
    `INSERT INTO worker_reports (worker, at, components, machine) VALUES ($1, clock_timestamp(), $2, $3)
     ON CONFLICT (worker) DO UPDATE
     SET at = excluded.at, components = excluded.components, machine = excluded.machine`,
    [worker, JSON.stringify(components), JSON.stringify(machine)],
  );
  await tx.query(`DELETE FROM worker_reports WHERE at < clock_timestamp() - interval '1 hour'`);
}

/** Call it when a worker stops, so that it disappears at once. */
export async function forgetReport(tx: Tx, worker: string): Promise<void> {
  await tx.query(`DELETE FROM worker_reports WHERE worker = $1`, [worker]);
}

/** Reports of live workers, newest first. */
export function freshReports(tx: Tx): Promise<WorkerReport[]> {
  return tx.query(
    `SELECT worker, components, machine FROM worker_reports
     WHERE at > clock_timestamp() - $1 * interval '1 s' ORDER BY at DESC`,
    [freshSeconds],
  );
}
