/** Operations as callers of the fake engine see them: state, waiting for the end, events, cancellation. */
import { once } from 'node:events';
import { EngineError, type Engine, type Operation, type OperationEvent, type User } from '../../../engine';
import type { Entry, OperationRecords } from './operation-records';

/** What callers have asked for. */
export interface Asked {
  /** How many wait or follow right now; back to zero when their clients are gone. */
  interested: number;
  /** The time the last wait was given. */
  lastTimeoutMs: number | undefined;
  /** What the last list was asked for. */
  lastListed: Parameters<Engine['operations']['list']>[0] | undefined;
}

export function fakeOperations(records: OperationRecords, asked: Asked): Engine['operations'] {
  const visible = (user: User, id: string): Entry => {
    const entry = records.entry(id);
    if (user.role === 'admin' || entry.operation.userId === user.id) return entry;
    throw new EngineError('operation_not_found', 'You have no such operation');
  };
  return {
    get: async (user, id) => visible(user, id).operation,
    list: async (options) => {
      asked.lastListed = options;
      return records
        .all()
        .filter(({ status }) => options.status === undefined || status === options.status)
        .slice(0, options.limit)
        .map((operation) => ({ ...operation, vmName: `vm-${operation.hostingId?.slice(0, 8)}` }));
    },
    wait: async (id, options) => {
      asked.lastTimeoutMs = options.timeoutMs;
      return wait(records.entry(id), asked, options);
    },
    events: (id, options) => follow(records, asked, id, options),
    cancel: async (user, id) => {
      const entry = visible(user, id);
      if (entry.operation.finishedAt !== null) return entry.operation;
      entry.operation = { ...entry.operation, status: 'unwinding', cancelRequested: true };
      return entry.operation;
    },
  };
}

async function wait(
  entry: Entry,
  asked: Asked,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<Operation> {
  const timeout = new AbortController();
  const stop = (): void => timeout.abort();
  const timer = setTimeout(stop, timeoutMs);
  signal?.addEventListener('abort', stop);
  asked.interested += 1;
  try {
    while (entry.operation.finishedAt === null)
      await once(entry.changed, 'change', { signal: timeout.signal });
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
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
  { afterId, signal }: { afterId?: string; signal: AbortSignal },
): AsyncGenerator<OperationEvent> {
  const entry = records.entry(id);
  let next = entry.events.findIndex((event) => Number(event.id) > Number(afterId ?? 0));
  if (next === -1) next = entry.events.length;
  asked.interested += 1;
  try {
    while (!signal.aborted) {
      const event = entry.events[next];
      if (event !== undefined) {
        next += 1;
        yield event;
      } else if (entry.operation.finishedAt !== null) return;
      else await once(entry.changed, 'change', { signal }).catch(() => undefined);
    }
  } finally {
    asked.interested -= 1;
  }
}
