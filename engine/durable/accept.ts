/** Accepting an operation: its rows and its job, in the caller's transaction. */
import type { Operation } from '../model/operation';
import type { Parts } from './parts';
import type { Tx } from '../store/database';
import { countUnfinishedOf, insertOperation } from '../store/operations';
import type { OperationDefinition } from './definition';
import { wakeWorker } from './wake-worker';

export interface Wanted {
  readonly stackId: string;
  readonly hostingId?: string;
  /** Who asked; absent for the service itself. */
  readonly userId?: number;
  /** The number of their unfinished operations; counted if absent. */
  readonly unfinished?: number;
  readonly input?: Record<string, unknown>;
}

export async function accept(
  parts: Pick<Parts, 'queue'>,
  tx: Tx,
  definition: OperationDefinition,
  wanted: Wanted,
): Promise<Operation> {
  const { kind, steps, lane = 'boots' } = definition;
  const { unfinished, ...given } = wanted;
  const priority = await turnOf(tx, definition, wanted);
  const operation = await insertOperation(tx, { kind, steps, lane, priority, ...given });
  await wakeWorker(parts, tx, wanted.stackId);
  return operation;
}

const behindUsers = 100;

/** Everybody's first operation comes before anybody's second; what nobody waits for comes last. */
async function turnOf(
  tx: Tx,
  { background }: OperationDefinition,
  { userId, unfinished }: Wanted,
): Promise<number> {
  if (userId === undefined) return background === true ? behindUsers : 0;
  return Math.min(unfinished ?? (await countUnfinishedOf(tx, userId)), behindUsers - 1);
}
