/** Waiting for an operation on behalf of a request, and what its end means for the answer. */
import { EngineError, type Operation, type User } from '../engine';
import { HttpError, toPublicError } from './http-error';
import { failureMessage } from './messages';
import { readWaitPreference } from './prefer';
import type { Service } from './route';

/** For the documentation of routes that wait. */
export const waitHeaders = { 'Preference-Applied': 'The preference that was applied' };
export const asyncHeaders = { ...waitHeaders, Location: 'URL of the operation' };

export interface Waiting extends Service {
  readonly user: User;
  readonly signal: AbortSignal;
  readonly caused: (operationId: string) => void;
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
 * @throws {HttpError} what the operation failed with, with its id in `details`
 */
export async function awaitOperation(
  context: Waiting,
  accepted: Operation,
  prefer: string | undefined,
): Promise<Waited> {
  context.caused(accepted.id);
  const { seconds, applied } = readWaitPreference(prefer, context.config.REQUEST_WAIT_SECONDS);
  const operation = await settle(context, accepted, seconds * 1000);
  if (operation.status === 'failed' || operation.status === 'stuck') throw failureOf(operation);
  const done = operation.status === 'succeeded';
  const headers: Record<string, string> = done ? {} : { Location: `/api/v1/operations/${operation.id}` };
  if (applied !== undefined) headers['Preference-Applied'] = applied;
  return { operation, done, headers };
}

async function settle(context: Waiting, accepted: Operation, timeoutMs: number): Promise<Operation> {
  try {
    if (timeoutMs === 0) {
      const { queuePosition, estimatedSeconds } = await context.engine.operations.get(
        context.user,
        accepted.id,
      );
      return { ...accepted, queuePosition, estimatedSeconds };
    }
    return await context.engine.operations.wait(accepted.id, { timeoutMs, signal: context.signal });
  } catch (thrown) {
    // It goes on without us: the caller gets what accepting it gave, which may be a key that is given once.
    if (toPublicError(thrown).code === 'database_unavailable') return accepted;
    if (!context.stopping.aborted) throw thrown;
    return context.engine.operations.get(context.user, accepted.id);
  }
}

function failureOf(operation: Operation): HttpError {
  const { id, status, owns } = operation;
  const failure = operation.failure ?? new EngineError('internal');
  const details = { operation_id: id, operation_status: status, ...(owns.length > 0 ? { owns } : {}) };
  const text = {
    en: failureMessage(failure, 'en', operation),
    ko: failureMessage(failure, 'ko', operation),
  };
  return new HttpError(failure.code, { details, text });
}
