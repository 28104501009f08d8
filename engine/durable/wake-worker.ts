/** Wakes a worker for what is left to do on a stack, in the lane and with the priority of its operations' rows. */
import type { Parts } from './parts';
import type { Tx } from '../store/database';
import { turnOfStack } from '../store/operations';

/**
 * The only way into the queue: whoever wakes a worker, an operation stays in its lane and keeps its turn.
 *
 * @param delayMs  @default 0
 */
export async function wakeWorker(
  { queue }: Pick<Parts, 'queue'>,
  tx: Tx,
  stackId: string,
  delayMs = 0,
): Promise<void> {
  const turn = await turnOfStack(tx, stackId);
  if (turn !== null) await queue.enqueue(tx, stackId, { ...turn, delayMs });
}
