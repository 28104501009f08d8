/** Terraform runs: when, for whom, their logs and plans. Secrets are masked before they are stored. */
import type { Page } from '../model/page';
import type { ResourceChange } from '../model/plan';
import type { Phase } from '../machine/terraform/run-record';
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

/** A run with its requester, without its log and plan. */
export interface ListedRun extends Omit<RunRow, 'log' | 'plan' | 'planText'> {
  /** null for the service itself. */
  readonly requestedBy: string | null;
}

export type WholeRun = ListedRun & Pick<RunRow, 'log' | 'plan' | 'planText'>;

export async function startRun(
  tx: Tx,
  run: Pick<RunRow, 'id' | 'stackId' | 'operationId' | 'kind' | 'host' | 'tools'>,
): Promise<void> {
  await tx.insert(RunRow, run);
}

/** Appends to the log of the run, and notifies its followers. */
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
    listed,
    `r.stack_id = $1
       AND ($3::uuid IS NULL OR (r.started_at, r.id) < (SELECT a.started_at, a.id FROM runs a WHERE a.id = $3))
     ORDER BY r.started_at DESC, r.id DESC LIMIT $2`,
    [stackId, limit, after ?? null],
  );
}

export async function findRun(tx: Tx, id: string): Promise<ListedRun | null> {
  const [run] = await selectRuns(tx, listed, `r.id = $1`, [id]);
  return run ?? null;
}

export async function wholeRun(tx: Tx, id: string): Promise<WholeRun | null> {
  const [run] = await selectRuns<WholeRun>(tx, whole, `r.id = $1`, [id]);
  return run ?? null;
}

/** New log output of a run, and whether it has ended; null if there is no such run. @param from  characters already known */
export async function logSince(
  tx: Tx,
  id: string,
  from: number,
): Promise<{ text: string; hasEnded: boolean } | null> {
  const [row]: { text: string; hasEnded: boolean }[] = await tx.query(
    `SELECT substr(log, $2::int + 1) AS text, finished_at IS NOT NULL AS "hasEnded" FROM runs WHERE id = $1`,
    [id, from],
  );
  return row ?? null;
}

/** The latest plan of an operation. */
export async function planOf(tx: Tx, operationId: string): Promise<WholeRun | null> {
  const [run] = await selectRuns<WholeRun>(
    tx,
    whole,
    `r.operation_id = $1 AND r.kind = 'plan' AND r.plan IS NOT NULL ORDER BY r.started_at DESC LIMIT 1`,
    [operationId],
  );
  return run ?? null;
}

/** Keeps only the newest runs of a stack. @param keep  how many */
export async function deleteRunsBeyond(tx: Tx, stackId: string, keep: number): Promise<void> {
  await tx.query(
    `DELETE FROM runs WHERE id IN (
       SELECT id FROM runs WHERE stack_id = $1 ORDER BY started_at DESC OFFSET $2)`,
    [stackId, keep],
  );
}

/** What a list shows; log and plan can be a hundred times as long. */
const listed = `r.id, r.stack_id AS "stackId", r.operation_id AS "operationId", r.kind, r.host, r.tools,
  r.started_at AS "startedAt", r.finished_at AS "finishedAt", r.exit_code AS "exitCode", r.timings, r.changes,
  coalesce(o.requested_by, u.username, o.input->>'by') AS "requestedBy"`;
const whole = `${listed}, r.log, r.plan, r.plan_text AS "planText"`;

function selectRuns<T extends ListedRun>(
  tx: Tx,
  columns: string,
  condition: string,
  values: readonly unknown[],
): Promise<T[]> {
  return tx.query(
    `SELECT ${columns}
     FROM runs r LEFT JOIN operations o ON o.id = r.operation_id LEFT JOIN users u ON u.id = o.user_id
     WHERE ${condition}`,
    [...values],
  );
}

/** Postgres notification channel shared with operations: ids are unique among both. */
async function tellRun(tx: Tx, id: string): Promise<void> {
  await tx.query(`SELECT pg_notify($1, $2)`, [eventChannel, id]);
}
