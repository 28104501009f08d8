/** Operations as callers of the fake engine see them: state, waiting for the end, events, cancellation. */
import { once } from 'node:events';
import { EngineError, type Engine, type Operation, type OperationEvent, type User } from '../../../engine';
import { onePage } from './one-page';
import { type Entry, hasEnded, type OperationRecords } from './operation-records';

/** What callers have asked for. */
export interface Asked {
  /** How many wait or follow right now; back to zero when their clients are gone. */
  interested: number;
  /** The time the last wait was given. */
  lastTimeoutMs: number | undefined;
  /** What the last list was asked for. */
  lastListed: Parameters<Engine['operations']['list']>[0] | undefined;
}

/** @param ownerOf  the user whose hosting has this id */
export function fakeOperations(
  records: OperationRecords,
  asked: Asked,
  ownerOf: (hostingId: string) => number | null | undefined,
): Engine['operations'] {
  const visible = (user: User, id: string): Operation => {
    const { operation } = records.entry(id);
    const owner = operation.hostingId === null ? null : ownerOf(operation.hostingId);
    if (user.role === 'admin' || operation.userId === user.id || owner === user.id) return operation;
    throw new EngineError('operation_not_found');
  };
  return {
    get: async (user, id) => withOutlook(records, visible(user, id)),
    list: async (options) => {
      asked.lastListed = options;
      const all = onePage(records.all(), { ...options, limit: Infinity }, ({ id }) => id);
      return all
        .filter(({ status }) => options.status === undefined || status === options.status)
        .slice(0, options.limit)
        .map((operation) => ({ ...operation, vmName: vmNameOf(operation) }));
    },
    wait: async (id, options) => {
      asked.lastTimeoutMs = options.timeoutMs;
      return withOutlook(records, await wait(records.entry(id), asked, options));
    },
    events: (id, options) => follow(records, asked, id, options),
    cancel: async (user, id) => {
      const { kind } = visible(user, id);
      if (kind !== 'create-hosting')
        throw new EngineError(
          'not_cancellable',
          kind === 'delete-hosting'
            ? 'A removal cannot be cancelled: the VM cannot be brought back'
            : undefined,
        );
      records.cancel(id);
      return withOutlook(records, records.known(id));
    },
  };
}

const vmNameOf = ({ hostingId }: Operation): string | null => hostingId && `vm-${hostingId.slice(0, 8)}`;

/** In the order in which they were accepted. */
function withOutlook(records: OperationRecords, operation: Operation): Operation {
  if (operation.status !== 'pending') return operation;
  const waiting = records.all().filter(({ status }) => status === 'pending');
  return { ...operation, queuePosition: waiting.length - waiting.indexOf(operation) };
}

async function wait(
  entry: Entry,
  asked: Asked,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<Operation> {
  const timeout = new AbortController();
  const stop = (): void => timeout.abort();
  const timer = setTimeout(stop, timeoutMs);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  asked.interested += 1;
  try {
    while (!hasEnded(entry.operation)) await once(entry.changed, 'change', { signal: timeout.signal });
  } catch {
    // the time is up, or nobody waits any more
  } finally {
    asked.interested -= 1;
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
  return entry.operation;
}

async function* follow(
  records: OperationRecords,
  asked: Asked,
  id: string,
  { afterId = '0', signal }: { afterId?: string; signal: AbortSignal },
): AsyncGenerator<OperationEvent> {
  const entry = records.entry(id);
  let last = Number(afterId);
  asked.interested += 1;
  try {
    while (!signal.aborted) {
      const event = entry.events.find((each) => Number(each.id) > last);
      if (event !== undefined) {
        last = Number(event.id);
        yield event;
      } else if (hasEnded(entry.operation)) return;
      else await once(entry.changed, 'change', { signal }).catch(() => undefined);
    }
  } finally {
    asked.interested -= 1;
  }
}
