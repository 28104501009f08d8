/** Operations as their owners see them: state, waiting for the end, events as they happen, cancel. */
import type { Engine, Operation, OperationEvent, OperationKind, User } from './engine';
import { EngineError } from './errors';
import type { EventBus } from './events';
import type { Database, Tx } from './store/database';
import { eventsAfter, getOperation, requestCancel } from './store/operations';

/** Everything else has no way back. */
const cancellable: readonly OperationKind[] = ['create-hosting'];

/** Notifications may be lost with their connection; then this is how late an end is seen. */
const lookAgainMs = 2_000;

export function operations(database: Database, bus: EventBus): Engine['operations'] {
  return {
    get: (user, id) => owned(database.direct, user, id),
    wait: async (id, { timeoutMs, signal }) => {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const change = nextChange(bus, id, Math.min(lookAgainMs, deadline - performance.now()), signal);
        const operation = await getOperation(database.direct, id);
        if (!hasEnded(operation) && !signal?.aborted && performance.now() < deadline) await change.seen;
        else {
          change.ignore();
          return operation;
        }
      }
    },
    events: (id, options) => follow(database.direct, bus, id, options),
    cancel: async (user, id) => {
      const { kind } = await owned(database.direct, user, id);
      if (!cancellable.includes(kind))
        throw new EngineError('not_cancellable', 'A removal cannot be cancelled');
      await database.transaction((tx) => requestCancel(tx, id));
      return getOperation(database.direct, id);
    },
  };
}

export function hasEnded({ status }: Pick<Operation, 'status'>): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'stuck';
}

async function* follow(
  tx: Tx,
  bus: EventBus,
  id: string,
  { afterId = '0', signal }: { afterId?: string; signal: AbortSignal },
): AsyncIterable<OperationEvent> {
  let last = Number(afterId);
  while (!signal.aborted) {
    const change = nextChange(bus, id, lookAgainMs, signal);
    // the operation first: events that are written before its end are then all there
    const operation = await getOperation(tx, id);
    for (const event of await eventsAfter(tx, id, last)) {
      yield event;
      last = Number(event.id);
    }
    if (hasEnded(operation)) {
      change.ignore();
      return;
    }
    await change.seen;
  }
}

/** Subscribes at once, so that nothing between looking and waiting is missed. */
function nextChange(
  bus: EventBus,
  id: string,
  timeoutMs: number,
  signal?: AbortSignal,
): { seen: Promise<void>; ignore: () => void } {
  let ignore: () => void = () => undefined;
  const seen = new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      unsubscribe();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, Math.max(0, timeoutMs));
    const unsubscribe = bus.subscribe(id, finish);
    signal?.addEventListener('abort', finish, { once: true });
    ignore = finish;
  });
  return { seen, ignore };
}

async function owned(tx: Tx, user: User, id: string): Promise<Operation> {
  const operation = await getOperation(tx, id);
  if (operation.userId === user.id || user.role === 'admin') return operation;
  throw new EngineError('operation_not_found', 'There is no such operation');
}
