/** The operations of the fake engine: they move only when told to, and tell everybody who waits or follows. */
import { EventEmitter } from 'node:events';
import { randomUUID } from 'node:crypto';
import {
  EngineError,
  type Failure,
  type Operation,
  type OperationEvent,
  type OperationKind,
} from '../../../engine';

type Ending =
  | { readonly status: 'succeeded' }
  | { readonly status: 'failed' | 'stuck'; readonly failure: Failure | null; readonly owns?: string[] };

export interface Entry {
  operation: Operation;
  readonly events: OperationEvent[];
  readonly changed: EventEmitter;
  readonly whenEnded: ((operation: Operation) => void)[];
}

export interface OperationRecords {
  begin(kind: OperationKind, userId: number, hostingId: string, stepNames: readonly string[]): Operation;
  onEnd(id: string, act: (operation: Operation) => void): void;
  emit(id: string, type: string, message: string, data?: Record<string, unknown>): OperationEvent;
  end(id: string, ending?: Ending): void;
  endAll(): void;
  /** The newest operation. */
  latest(): Operation;
  known(id: string): Operation;
  /** @throws operation_not_found */
  entry(id: string): Entry;
  /** The newest first. */
  all(): readonly Operation[];
}

export function operationRecords(): OperationRecords {
  const entries = new Map<string, Entry>();
  let sequence = 0;
  const entryOf = (id: string): Entry => {
    const entry = entries.get(id);
    if (entry === undefined) throw new EngineError('operation_not_found', 'There is no such operation');
    return entry;
  };
  const emit: OperationRecords['emit'] = (id, type, message, data = {}) => {
    const { events, changed } = entryOf(id);
    const event = { id: String(++sequence), operationId: id, at: new Date(), type, message, data };
    events.push(event);
    changed.emit('change');
    return event;
  };
  const end: OperationRecords['end'] = (id, ending = { status: 'succeeded' }) => {
    const entry = entryOf(id);
    if (entry.operation.finishedAt !== null) return;
    entry.operation = { ...entry.operation, failure: null, ...ending, finishedAt: new Date() };
    for (const act of entry.whenEnded) act(entry.operation);
    emit(id, `operation.${ending.status}`, 'Ended', { tookMs: 5 });
  };
  return {
    begin: (kind, userId, hostingId, stepNames) => {
      const operation = newOperation(kind, userId, hostingId, stepNames);
      const changed = new EventEmitter().setMaxListeners(0);
      entries.set(operation.id, { operation, events: [], changed, whenEnded: [] });
      emit(operation.id, 'operation.started', 'Started');
      return operation;
    },
    onEnd: (id, act) => void entryOf(id).whenEnded.push(act),
    emit,
    end,
    endAll: () => {
      for (const id of entries.keys()) end(id);
    },
    latest: () => {
      const newest = [...entries.values()].at(-1);
      if (newest === undefined) throw new Error('no operation has begun');
      return newest.operation;
    },
    known: (id) => entryOf(id).operation,
    entry: entryOf,
    all: () => [...entries.values()].reverse().map(({ operation }) => operation),
  };
}

function newOperation(
  kind: OperationKind,
  userId: number,
  hostingId: string,
  stepNames: readonly string[],
): Operation {
  const now = new Date();
  const steps = stepNames.map(
    (name) => ({ name, status: 'pending', tries: 0, startedAt: null, finishedAt: null }) as const,
  );
  return {
    ...{ id: randomUUID(), kind, status: 'running', hostingId, userId, steps },
    ...{ failure: null, cancelRequested: false, owns: [], queuePosition: null, estimatedSeconds: null },
    ...{ createdAt: now, startedAt: now, finishedAt: null },
  };
}
