/** Waiting for an operation on behalf of a request, and what its end means for the answer. */
import { EngineError, type Operation, type User } from '../engine';
import { readWaitPreference } from './prefer';
import type { Service } from './route';

interface Waiting extends Service {
  readonly user: User;
  readonly signal: AbortSignal;
}

export interface Waited {
  readonly operation: Operation;
  readonly done: boolean;
  /** Preference-Applied, and Location while the operation still runs. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Waits for an accepted operation as long as the client prefers.
 *
 * A client that goes away ends the wait and nothing else; so does a server that stops, which answers 202.
 *
 * @throws {EngineError} what the operation failed with, with its id in `details`
 */
export async function awaitOperation(
  context: Waiting,
  accepted: Operation,
  prefer: string | undefined,
): Promise<Waited> {
  const { seconds, applied } = readWaitPreference(prefer, context.config.REQUEST_WAIT_SECONDS);
  const operation = await settle(context, accepted, seconds * 1000);
  if (operation.status === 'failed' || operation.status === 'stuck') throw failureOf(operation);
  const done = operation.status === 'succeeded';
  const headers: Record<string, string> = done ? {} : { Location: `/api/v1/operations/${operation.id}` };
  if (applied !== undefined) headers['Preference-Applied'] = applied;
  return { operation, done, headers };
}

async function settle(context: Waiting, accepted: Operation, timeoutMs: number): Promise<Operation> {
  if (timeoutMs === 0) return accepted;
  try {
    return await context.engine.operations.wait(accepted.id, { timeoutMs, signal: context.signal });
  } catch (thrown) {
    if (!context.stopping.aborted) throw thrown;
    return context.engine.operations.get(context.user, accepted.id);
  }
}

function failureOf({ id, status, failure }: Operation): EngineError {
  const details = { operation_id: id, operation_status: status };
  if (failure === null) return new EngineError('internal', 'The operation failed', { details });
  return new EngineError(failure.code, failure.message, { details });
}
