/** Runs an operation to its end from the command line, with or without a service running next to it. */
import type { Operation } from '../model/operation';
import type { EngineParts } from './engine-parts';
import { EngineError } from '../base/errors';
import { hasEnded, operations } from './operations';

/** How long somebody else's lease is waited for: one that died leaves it for 30 s. */
const patienceMs = 120_000;

/**
 * Works on the operation until it has ended; if another worker holds its stack, waits for that worker.
 *
 * @returns the operation as it ended
 * @throws {EngineError} lease_lost if another worker does not let go; the reason of `handover` when it fires
 */
export async function finishOperation(
  { parts, bus, runner }: EngineParts,
  operationId: string,
  stackId: string,
  handover: AbortSignal,
): Promise<Operation> {
  const deadline = parts.clock.elapsedMs() + patienceMs;
  for (;;) {
    await runner.perform(stackId, handover);
    const operation = await operations(parts, bus).wait(operationId, { timeoutMs: 2_000, signal: handover });
    if (hasEnded(operation)) return operation;
    handover.throwIfAborted();
    if (parts.clock.elapsedMs() > deadline) throw new EngineError('lease_lost');
  }
}

/** @throws {EngineError} why the operation did not succeed */
export function expectSuccess(operation: Operation): Operation {
  if (operation.status === 'succeeded') return operation;
  const { code, message } = operation.failure ?? new EngineError('internal');
  throw new EngineError(code, message);
}
