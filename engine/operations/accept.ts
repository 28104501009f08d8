/** Accepting an operation: its rows and its job, in the caller's transaction. */
import type { Operation } from '../engine';
import type { Parts } from '../parts';
import type { Tx } from '../store/database';
import { insertOperation } from '../store/operations';
import type { OperationDefinition } from './operation';

export interface Wanted {
  readonly stackId: string;
  readonly hostingId?: string;
  /** Who asked; absent where the service itself does. */
  readonly userId?: number;
  readonly input?: Record<string, unknown>;
}

export async function accept(
  { queue }: Pick<Parts, 'queue'>,
  tx: Tx,
  { kind, steps, lane }: OperationDefinition,
  wanted: Wanted,
): Promise<Operation> {
  const operation = await insertOperation(tx, { kind, steps, ...wanted });
  await queue.enqueue(tx, wanted.stackId, { lane });
  return operation;
}
