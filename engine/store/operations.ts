/** Operations, their steps and their events as rows. The caller's lease decides who can change them. */
import { randomUUID } from 'node:crypto';
import { In, MoreThan } from 'typeorm';
import type {
  Operation,
  OperationEvent,
  OperationKind,
  OperationStatus,
  OperationStep,
} from '../model/operation';
import type { Page } from '../model/page';
import { EngineError } from '../base/errors';
import type { Lane } from '../model/lane';
import { currentActor } from '../model/actor';
import { currentTraceParent } from '../base/tracing';
import type { Tx } from './database';
import { HostingRow } from './entities/hosting';
import { OperationEventRow, OperationRow, OperationStepRow } from './entities/operation';

export type { OperationRow, OperationStepRow } from './entities/operation';

/** Postgres notification channel for the ids of operations with new events. */
export const eventChannel = 'webhoster_operation_events';

export const unfinishedStatuses: OperationStatus[] = ['pending', 'running', 'unwinding'];

const transitions: Record<OperationStatus, readonly OperationStatus[]> = {
  pending: ['running'],
  running: ['succeeded', 'unwinding', 'stuck'],
  unwinding: ['failed', 'stuck'],
  stuck: ['running', 'unwinding'],
  succeeded: [],
  failed: [],
};

export interface NewOperation {
  readonly kind: OperationKind;
  readonly stackId: string;
  readonly hostingId?: string;
  readonly userId?: number;
  readonly input?: Record<string, unknown>;
  /** @default boots */
  readonly lane?: Lane;
  /** @default 0 */
  readonly priority?: number;
  /** In order; a step without `run` is completed by accepting the operation. */
  readonly steps: readonly { readonly name: string; readonly run?: unknown }[];
}

/** In one statement, since the caller may hold locks that others wait for. */
export async function insertOperation(tx: Tx, { steps, ...given }: NewOperation): Promise<Operation> {
  const { kind, stackId, hostingId = null, userId = null, input = {} } = given;
  const { lane = 'boots', priority = 0 } = given;
  const [id, traceParent] = [randomUUID(), currentTraceParent()];
  const status = 'pending' as const;
  const toDo = newSteps(id, steps);
  const [{ createdAt }] = (await tx.query(
    `WITH made AS (
       INSERT INTO operations (id, kind, stack_id, hosting_id, user_id, status, input, trace_parent, lane, priority,
                               requested_by, events)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $12, $13, $14, 1) RETURNING id, created_at),
     steps AS (
       INSERT INTO operation_steps (operation_id, position, name, status)
       SELECT made.id, step.* FROM made, jsonb_to_recordset($9) step (position integer, name text, status text)),
     told AS (
       INSERT INTO operation_events (operation_id, number, type, message)
       SELECT id, 1, 'operation.accepted', $10 FROM made)
     SELECT created_at AS "createdAt", pg_notify($11, id::text) FROM made`,
    [
      ...[id, kind, stackId, hostingId, userId, status, JSON.stringify(input), traceParent ?? null],
      ...[JSON.stringify(toDo), `${kind} accepted`, eventChannel, lane, priority, currentActor()],
    ],
  )) as [{ createdAt: Date }];
  return toOperation(
    {
      ...{ id, kind, stackId, hostingId, userId, status, input, lane, priority },
      traceParent: traceParent ?? null,
      ...{ failureCode: null, failureMessage: null, cancelRequested: false },
      ...{ createdAt, startedAt: null, finishedAt: null },
    },
    toDo,
  );
}

function newSteps(operationId: string, steps: NewOperation['steps']): OperationStepRow[] {
  return steps.map(({ name, run }, position) => ({
    ...{ operationId, position, name, status: run ? ('pending' as const) : ('done' as const) },
    ...{ tries: 0, output: null, startedAt: null, finishedAt: null },
  }));
}

/**
 * Replaces the steps of an operation: an operation accepted by another version of the service continues with the steps of
 * this version. Steps with the same name keep their records; steps that no longer exist are deleted.
 */
export async function replaceSteps(
  tx: Tx,
  operationId: string,
  steps: NewOperation['steps'],
): Promise<OperationStepRow[]> {
  const former = new Map((await stepsOf(tx, operationId)).map((step) => [step.name, step]));
  const replaced = newSteps(operationId, steps).map((step) => ({
    ...(former.get(step.name) ?? step),
    position: step.position,
  }));
  await tx.delete(OperationStepRow, { operationId });
  return tx.save(OperationStepRow, replaced);
}

/** @throws {EngineError} operation_not_found */
export async function getOperation(tx: Tx, id: string): Promise<Operation> {
  const row = await findOperationRow(tx, id);
  if (row === null) throw new EngineError('operation_not_found');
  return toOperation(row, await stepsOf(tx, id));
}

export interface ListedRow {
  readonly row: OperationRow;
  readonly steps: readonly OperationStepRow[];
  /** null if the operation is about no hosting in the database. */
  readonly vmName: string | null;
}

/** Newest first. @param limit  maximum number */
export async function newestOperations(
  tx: Tx,
  { status, limit, after }: Page & { status?: OperationStatus },
): Promise<ListedRow[]> {
  const query = tx.createQueryBuilder(OperationRow, 'o').orderBy({ 'o.createdAt': 'DESC', 'o.id': 'ASC' });
  if (status !== undefined) query.andWhere('o.status = :status', { status });
  if (after !== undefined)
    query.andWhere(
      `o.created_at <= (SELECT created_at FROM operations WHERE id = :after)
       AND (o.created_at < (SELECT created_at FROM operations WHERE id = :after) OR o.id > :after)`,
      { after },
    );
  const rows = await query.take(limit).getMany();
  const [steps, hostings] = await Promise.all([
    tx.find(OperationStepRow, {
      where: { operationId: In(rows.map((row) => row.id)) },
      order: { position: 'ASC' },
    }),
    tx.findBy(HostingRow, { id: In(rows.flatMap((row) => row.hostingId ?? [])) }),
  ]);
  return rows.map((row) => ({
    row,
    steps: steps.filter((step) => step.operationId === row.id),
    vmName: hostings.find((hosting) => hosting.id === row.hostingId)?.vmName ?? null,
  }));
}

export function findOperationRow(tx: Tx, id: string): Promise<OperationRow | null> {
  return tx.findOneBy(OperationRow, { id });
}

export function stepsOf(tx: Tx, operationId: string): Promise<OperationStepRow[]> {
  return tx.find(OperationStepRow, { where: { operationId }, order: { position: 'ASC' } });
}

/** The oldest unfinished operation on this stack. */
export async function nextUnfinished(tx: Tx, stackId: string): Promise<OperationRow | null> {
  return tx.findOne(OperationRow, {
    where: { stackId, status: In(unfinishedStatuses) },
    order: { createdAt: 'ASC' },
  });
}

/** The hosting's newest operation of one kind, ended or not. */
export async function latestOperation(
  tx: Tx,
  hostingId: string,
  kind: OperationKind,
): Promise<OperationRow | null> {
  return tx.findOne(OperationRow, { where: { hostingId, kind }, order: { createdAt: 'DESC' } });
}

/** An operation of this kind that is waiting or running on this stack. */
export function unfinishedOperation(tx: Tx, stackId: string, kind: OperationKind): Promise<Operation | null> {
  return operationIn(tx, stackId, kind, unfinishedStatuses);
}

/** For an operation that was accepted before the database knew its hosting. */
export async function bindToHosting(tx: Tx, id: string, hostingId: string): Promise<void> {
  await tx.update(OperationRow, { id }, { hostingId });
}

/** An operation of this kind that is waiting, running or stuck on this stack. */
export function unendedOperation(tx: Tx, stackId: string, kind: OperationKind): Promise<Operation | null> {
  return operationIn(tx, stackId, kind, [...unfinishedStatuses, 'stuck']);
}

async function operationIn(
  tx: Tx,
  stackId: string,
  kind: OperationKind,
  statuses: OperationStatus[],
): Promise<Operation | null> {
  const row = await tx.findOneBy(OperationRow, { stackId, kind, status: In(statuses) });
  return row === null ? null : getOperation(tx, row.id);
}

export function countUnfinished(tx: Tx, kind: OperationKind): Promise<number> {
  return tx.countBy(OperationRow, { kind, status: In(unfinishedStatuses) });
}

export function countUnfinishedOf(tx: Tx, userId: number): Promise<number> {
  return tx.countBy(OperationRow, { userId, status: In(unfinishedStatuses) });
}

/** The input of operations that the service itself requests periodically; anyone who joins such an operation removes it. */
export const scheduledInput = { scheduled: true } as const;

export function isScheduled({ input }: Pick<OperationRow, 'input'>): boolean {
  return 'scheduled' in input;
}

/** Makes an operation that the service itself requested that of a user who waits for it: its turn and its record. */
export async function joinOperation(tx: Tx, id: string, { userId }: { userId?: number }): Promise<void> {
  await tx.query(
    `UPDATE operations SET user_id = $2, requested_by = $3, priority = least(priority, 0), input = input - 'scheduled'
     WHERE id = $1 AND input->>'scheduled' IS NOT NULL`,
    [id, userId ?? null, currentActor()],
  );
}

/** Deletes an operation with its steps, events and runs, unless someone has joined it. */
export async function forgetScheduled(tx: Tx, id: string): Promise<void> {
  await tx.query(`DELETE FROM operations WHERE id = $1 AND input->>'scheduled' IS NOT NULL`, [id]);
}

/** Requests a cancellation; true if the operation could still be cancelled. */
export async function requestCancel(tx: Tx, id: string): Promise<boolean> {
  const result = await tx.update(
    OperationRow,
    { id, status: In(['pending', 'running']) },
    { cancelRequested: true },
  );
  if (result.affected !== 1) return false;
  await addEvent(tx, id, 'operation.cancel_requested', 'cancel requested');
  return true;
}

/** @throws {Error} on a transition that the state machine does not have, which is a bug */
export async function moveOperation(
  tx: Tx,
  id: string,
  to: OperationStatus,
  failure?: { code: string; message: string },
): Promise<void> {
  const from = (Object.keys(transitions) as OperationStatus[]).filter((status) =>
    transitions[status].includes(to),
  );
  const [, moved]: [unknown[], number] = await tx.query(
    `UPDATE operations SET status = $2::text,
       started_at = coalesce(started_at, clock_timestamp()),
       finished_at = CASE WHEN $2::text IN ('succeeded', 'failed') THEN clock_timestamp() END,
       failure_code = CASE WHEN $2::text IN ('running', 'succeeded') THEN NULL ELSE coalesce($4, failure_code) END,
       failure_message = CASE WHEN $2::text IN ('running', 'succeeded') THEN NULL ELSE coalesce($5, failure_message) END
     WHERE id = $1 AND status = ANY ($3::text[])`,
    [id, to, from, failure?.code ?? null, failure?.message ?? null],
  );
  if (moved !== 1) throw new Error(`operation ${id} cannot become ${to} from where it is`);
  await addEvent(
    tx,
    id,
    `operation.${to}`,
    failure ? `${to}: ${failure.message}` : to,
    failure ? { code: failure.code } : {},
  );
}

/**
 * Resumes a stuck operation in its direction: forward, or backward if an undo had failed. Others are left alone.
 */
export async function resumeStuck(tx: Tx, id: string): Promise<void> {
  const operation = await getOperation(tx, id);
  if (operation.status !== 'stuck') return;
  const back = operation.steps.some((step) => step.status === 'undo_failed');
  await moveOperation(tx, id, back ? 'unwinding' : 'running');
}

export async function markStep(
  tx: Tx,
  operationId: string,
  step: { position: number; name: string },
  status: OperationStep['status'],
  output?: unknown,
): Promise<void> {
  await tx.query(
    `UPDATE operation_steps SET status = $3::text, output = coalesce($4::jsonb, output),
       tries = CASE WHEN $3 = 'running' THEN tries + 1 ELSE tries END,
       started_at = CASE WHEN $3 = 'running' THEN coalesce(started_at, clock_timestamp()) ELSE started_at END,
       finished_at = CASE WHEN $3 = 'running' THEN NULL ELSE clock_timestamp() END
     WHERE operation_id = $1 AND position = $2`,
    [operationId, step.position, status, output === undefined ? null : JSON.stringify(output)],
  );
  await addEvent(tx, operationId, `step.${status}`, `${step.name} ${status.replace('_', ' ')}`, {
    step: step.name,
  });
}

/** Done, without an event of its own: nothing has happened. @param output  what says so */
export async function markSkipped(
  tx: Tx,
  operationId: string,
  positions: readonly number[],
  output: object,
): Promise<void> {
  await tx.query(
    `UPDATE operation_steps SET status = 'done', output = $3::jsonb
     WHERE operation_id = $1 AND position = ANY ($2::int[])`,
    [operationId, positions, JSON.stringify(output)],
  );
}

export async function addEvent(
  tx: Tx,
  operationId: string,
  type: string,
  message: string,
  data: Record<string, unknown> = {},
): Promise<void> {
  // Numbers from a sequence would commit out of order, and whoever reads "after number n" would miss some.
  await tx.query(
    `WITH counted AS (UPDATE operations SET events = events + 1 WHERE id = $1 RETURNING events)
     INSERT INTO operation_events (operation_id, number, type, message, data)
     SELECT $1, events, $2, $3, $4 FROM counted`,
    [operationId, type, message, JSON.stringify(data)],
  );
  await tx.query(`SELECT pg_notify($1, $2)`, [eventChannel, operationId]);
}

/** @param after  number of the last event received, 0 for all */
export async function eventsAfter(tx: Tx, operationId: string, after: number): Promise<OperationEvent[]> {
  const rows = await tx.find(OperationEventRow, {
    where: { operationId, number: MoreThan(after) },
    order: { number: 'ASC' },
  });
  return rows.map(({ number, ...event }) => ({ id: String(number), ...event }));
}

/** Its resources and its estimate are not in its rows: see owned.ts and outlook.ts. */
export function toOperation(row: OperationRow, steps: readonly OperationStepRow[]): Operation {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    hostingId: row.hostingId,
    userId: row.userId,
    steps: steps.map(({ name, status, tries, startedAt, finishedAt }) => ({
      ...{ name, status, tries, startedAt, finishedAt },
    })),
    failure: row.failureCode === null ? null : { code: row.failureCode, message: row.failureMessage ?? '' },
    cancelRequested: row.cancelRequested,
    owns: [],
    queuePosition: null,
    estimatedSeconds: null,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}

/**
 * The lane and priority of a stack: the lane of its next operation, with the priority of the most urgent operation that
 * waits behind it. null if nothing is left to do.
 */
export async function turnOfStack(tx: Tx, stackId: string): Promise<{ lane: Lane; priority: number } | null> {
  const [turn]: { lane: Lane; priority: number }[] = await tx.query(
    `SELECT lane, min(priority) OVER () AS priority FROM operations
     WHERE stack_id = $1 AND status IN ('pending', 'running', 'unwinding') ORDER BY created_at LIMIT 1`,
    [stackId],
  );
  return turn ?? null;
}

/** Long enough for a worker that has taken a job to claim the lease, and for one that has failed to be tried again. */
const graceSeconds = 5;

/**
 * Stacks with unfinished operations that have no worker, and no job that will wake one: a job that a dead worker had taken,
 * or that failed and waits for long, does not count. Stacks that merely wait in the queue have their job.
 *
 * @param limit  maximum number
 */
export async function abandonedStacks(tx: Tx, limit: number): Promise<string[]> {
  const rows: { stack_id: string }[] = await tx.query(
    `SELECT DISTINCT o.stack_id FROM operations o LEFT JOIN leases l USING (stack_id)
     WHERE o.status IN ('pending', 'running', 'unwinding')
       AND coalesce(l.expires_at, '-infinity') <= clock_timestamp()
       AND NOT EXISTS (
         SELECT 1 FROM graphile_worker.jobs j WHERE j.key = o.stack_id::text
           AND (j.locked_at > clock_timestamp() - $1 * interval '1 s'
             OR j.locked_at IS NULL AND j.attempts < j.max_attempts
               AND j.run_at < clock_timestamp() + $1 * interval '1 s'))
     LIMIT $2`,
    [graceSeconds, limit],
  );
  return rows.map((row) => row.stack_id);
}
