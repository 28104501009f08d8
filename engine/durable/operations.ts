/** Operations as their owners see them: state, waiting for the end, live events, cancellation. */
import type {
  ListedOperation,
  Operation,
  OperationEvent,
  OperationKind,
  OperationStatus,
} from '../model/operation';
import { longestPage, type Page } from '../model/page';
import type { User } from '../model/account';
import { EngineError } from '../base/errors';
import type { EventBus } from './events';
import { vmNameOf } from '../machine/libvirt/names';
import type { Kinds } from './kinds';
import type { Parts } from './parts';
import { outlookOf } from '../store/outlook';
import type { Tx } from '../store/database';
import {
  eventsAfter,
  findOperationRow,
  getOperation,
  newestOperations,
  requestCancel,
  toOperation,
} from '../store/operations';
import { findHosting } from '../store/hostings';

export interface Operations {
  /** An operation of this user or on their hosting; an administrator sees all. @throws operation_not_found */
  get(user: User, id: string): Promise<Operation>;
  /** Operations of all users, newest first. The caller must be an administrator or an operator. */
  list(options: Page & { status?: OperationStatus }): Promise<readonly ListedOperation[]>;
  /** Resolves with the operation once it has ended or the time is up, whichever comes first. */
  wait(id: string, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Operation>;
  /** Past events after `afterId`, then live ones; ends when the operation has ended or `signal` fires. */
  events(id: string, options: { afterId?: string; signal: AbortSignal }): AsyncIterable<OperationEvent>;
  /** Asks a queued or running operation to unwind. @throws operation_not_found, not_cancellable */
  cancel(user: User, id: string): Promise<Operation>;
}

/** What a removal may cancel, its user may. @throws {EngineError} not_cancellable */
function assertCancellable(kinds: Kinds, kind: OperationKind): void {
  if (kinds.treated('cancel').includes(kind)) return;
  throw new EngineError(
    'not_cancellable',
    kinds.treated('join').includes(kind)
      ? 'A removal cannot be cancelled: the VM cannot be brought back'
      : undefined,
  );
}

/** Notifications may be lost with their connection; then this is how late an end is seen. */
const lookAgainMs = 2_000;

/** What they are answered from. */
type Answering = Pick<Parts, 'database' | 'kinds' | 'owned'>;

export function operations(parts: Answering, bus: EventBus): Operations {
  const { database } = parts;
  return {
    get: async (user, id) => complete(parts, await visible(database.direct, user, id)),
    list: (options) => list(parts, { ...options, limit: Math.min(options.limit, longestPage) }),
    wait: async (id, { timeoutMs, signal }) => {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const change = nextChange(bus, id, Math.min(lookAgainMs, deadline - performance.now()), signal);
        const operation = await getOperation(database.direct, id);
        if (!hasEnded(operation) && !signal?.aborted && performance.now() < deadline) await change.seen;
        else {
          change.ignore();
          return complete(parts, operation);
        }
      }
    },
    events: (id, options) => follow(database.direct, bus, id, options),
    cancel: async (user, id) => {
      const { kind } = await visible(database.direct, user, id);
      assertCancellable(parts.kinds, kind);
      await database.transaction((tx) => requestCancel(tx, id));
      return complete(parts, await getOperation(database.direct, id));
    },
  };
}

/** Stuck operations come with the resources they hold; libvirt is asked once for all of them. */
export async function list(
  parts: Answering,
  options: Parameters<typeof newestOperations>[1],
): Promise<ListedOperation[]> {
  const owned = parts.owned();
  const listed: ListedOperation[] = [];
  for (const { row, steps, vmName } of await newestOperations(parts.database.direct, options)) {
    const owns = row.status === 'stuck' ? await owned(row.stackId) : [];
    // an orphan may have no hosting in the database
    const ofOrphan = row.kind === 'remove-orphan' ? vmNameOf(row.stackId) : null;
    listed.push({ ...toOperation(row, steps), owns, vmName: vmName ?? ofOrphan });
  }
  return listed;
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

/** With what its rows do not say. */
async function complete(parts: Answering, operation: Operation): Promise<Operation> {
  const { direct } = parts.database;
  if (operation.status === 'stuck') {
    const row = await findOperationRow(direct, operation.id);
    return row === null ? operation : { ...operation, owns: await parts.owned()(row.stackId) };
  }
  return hasEnded(operation) ? operation : { ...operation, ...(await outlookOf(direct, operation.id)) };
}

/** One that an administrator or the service began is also shown to whom its hosting belongs: a user's own may join it. */
async function visible(tx: Tx, user: User, id: string): Promise<Operation> {
  const operation = await getOperation(tx, id);
  if (operation.userId === user.id || user.role === 'admin') return operation;
  const hosting = operation.hostingId === null ? null : await findHosting(tx, operation.hostingId);
  if (hosting?.userId === user.id) return operation;
  throw new EngineError('operation_not_found');
}
