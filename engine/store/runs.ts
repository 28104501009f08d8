/** Terraform's runs: when, by whom, what it said, what the plan was. Secrets are masked before they come here. */
import type { Page } from '../engine';
import type { ResourceChange } from '../terraform/plan-view';
import type { Phase } from '../terraform/run-record';
import type { Tx } from './database';
import { RunRow } from './entities/stack';
import { eventChannel } from './operations';

export type { RunRow } from './entities/stack';

export interface RunPlan {
  readonly plan: Record<string, unknown>;
  readonly planText: string;
  readonly changes: readonly ResourceChange[];
}

export interface FinishedRun extends Partial<RunPlan> {
  readonly exitCode: number;
  readonly timings: readonly Phase[];
}

/** A run with who asked for it. */
export interface ListedRun extends RunRow {
  /** null where the service itself asked. */
  readonly requestedBy: string | null;
}

export async function startRun(
  tx: Tx,
  run: Pick<RunRow, 'id' | 'stackId' | 'operationId' | 'kind' | 'host' | 'tools'>,
): Promise<void> {
  await tx.insert(RunRow, run);
}

/** Adds to what the run has said, and tells whoever follows it. */
export async function appendToRunLog(tx: Tx, id: string, text: string): Promise<void> {
  await tx.query(`UPDATE runs SET log = log || $2 WHERE id = $1`, [id, text]);
  await tellRun(tx, id);
}

export async function finishRun(tx: Tx, id: string, end: FinishedRun): Promise<void> {
  await tx.update(RunRow, { id }, { ...end, finishedAt: () => 'clock_timestamp()' } as object);
  await tellRun(tx, id);
}

/** Newest first. */
export function runsOf(tx: Tx, stackId: string, { limit, after }: Page): Promise<ListedRun[]> {
  return selectRuns(
    tx,
    `r.stack_id = $1
       AND ($3::uuid IS NULL OR (r.started_at, r.id) < (SELECT a.started_at, a.id FROM runs a WHERE a.id = $3))
     ORDER BY r.started_at DESC, r.id DESC LIMIT $2`,
    [stackId, limit, after ?? null],
  );
}

export async function findRun(tx: Tx, id: string): Promise<ListedRun | null> {
  const [run] = await selectRuns(tx, `r.id = $1`, [id]);
  return run ?? null;
}

/** The newest plan that an operation made. */
export async function planOf(tx: Tx, operationId: string): Promise<ListedRun | null> {
  const [run] = await selectRuns(
    tx,
    `r.operation_id = $1 AND r.kind = 'plan' AND r.plan IS NOT NULL ORDER BY r.started_at DESC LIMIT 1`,
    [operationId],
  );
  return run ?? null;
}

/** @returns how many were deleted */
export async function deleteOldRuns(tx: Tx, keep: { days: number; perStack: number }): Promise<number> {
  const [, deleted]: [unknown[], number] = await tx.query(
    `DELETE FROM runs WHERE finished_at < clock_timestamp() - $1 * interval '1 day'
       OR id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY stack_id ORDER BY started_at DESC) AS place
                                 FROM runs) AS ranked WHERE place > $2)`,
    [keep.days, keep.perStack],
  );
  return deleted;
}

function selectRuns(tx: Tx, condition: string, values: readonly unknown[]): Promise<ListedRun[]> {
  return tx.query(
    `SELECT r.id, r.stack_id AS "stackId", r.operation_id AS "operationId", r.kind, r.host, r.tools, r.log, r.plan,
       r.started_at AS "startedAt", r.finished_at AS "finishedAt", r.exit_code AS "exitCode", r.timings, r.changes,
       r.plan_text AS "planText", coalesce(o.requested_by, u.username, o.input->>'by') AS "requestedBy"
     FROM runs r LEFT JOIN operations o ON o.id = r.operation_id LEFT JOIN users u ON u.id = o.user_id
     WHERE ${condition}`,
    [...values],
  );
}

/** Postgres notification channel shared with operations: ids are unique among both. */
async function tellRun(tx: Tx, id: string): Promise<void> {
  await tx.query(`SELECT pg_notify($1, $2)`, [eventChannel, id]);
}
