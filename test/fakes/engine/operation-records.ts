/** The operations of the fake engine: they move only when told to, and tell everybody who waits or follows. */
import { EventEmitter } from 'node:events';
import { EngineError, errorTexts, type Operation, type OperationEvent } from '../../../engine';
import { type Ending, newOperation, type NewOperation } from './new-operation';

export interface Entry extends Pick<NewOperation, 'outcome' | 'onEnd'> {
  operation: Operation;
  readonly events: OperationEvent[];
  readonly changed: EventEmitter;
}

export interface OperationRecords {
  begin(given: NewOperation): Operation;
  emit(id: string, type: string, message: string, data?: Record<string, unknown>): OperationEvent;
  end(id: string, ending?: Ending): void;
  /** Does what is left to do on the operation's stack, in the order in which it was accepted. */
  work(id: string): void;
  /** One that has ended stays as it is. */
  cancel(id: string): void;
  /** Goes on with one that is stuck. */
  resume(id: string): void;
  endAll(): void;
  /** The newest operation. */
  latest(): Operation;
  known(id: string): Operation;
  /** @throws operation_not_found */
  entry(id: string): Entry;
  /** The newest first. */
  all(): readonly Operation[];
}

export function hasEnded({ status }: Pick<Operation, 'status'>): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'stuck';
}

const cancelled: Ending = {
  status: 'failed',
  failure: { code: 'cancelled', message: errorTexts.cancelled.en },
};

export function operationRecords(): OperationRecords {
  const entries = new Map<string, Entry>();
  const entryOf = (id: string): Entry => {
    const entry = entries.get(id);
    if (entry === undefined) throw new EngineError('operation_not_found');
    return entry;
  };
  const emit: OperationRecords['emit'] = (id, type, message, data = {}) => {
    const { events, changed } = entryOf(id);
    const event = { id: String(events.length + 1), operationId: id, at: new Date(), type, message, data };
    events.push(event);
    changed.emit('change');
    return event;
  };
  const move = (id: string, change: Pick<Operation, 'status'> & Partial<Operation>): void => {
    const entry = entryOf(id);
    entry.operation = { ...entry.operation, ...change };
    const { status, failure } = entry.operation;
    const message = failure === null ? status : `${status}: ${failure.message}`;
    emit(id, `operation.${status}`, message, failure === null ? {} : { code: failure.code });
  };
  const step = (id: string, index: number, status: 'done' | 'failed'): void => {
    const entry = entryOf(id);
    const known = entry.operation.steps[index]!;
    const { name } = known;
    emit(id, 'step.running', `${name} running`, { step: name });
    const now = new Date();
    const times = { tries: known.tries + 1, startedAt: known.startedAt ?? now, finishedAt: now };
    const steps = entry.operation.steps.with(index, { ...known, ...times, status });
    entry.operation = { ...entry.operation, steps };
    emit(id, `step.${status}`, `${name} ${status}`, { step: name });
  };
  const end: OperationRecords['end'] = (id, ending = { status: 'succeeded' }) => {
    const entry = entryOf(id);
    if (hasEnded(entry.operation)) return;
    if (entry.operation.status === 'pending') move(id, { status: 'running', startedAt: new Date() });
    for (const [index, { status }] of entry.operation.steps.entries()) {
      if (status === 'done') continue;
      step(id, index, ending.status === 'succeeded' ? 'done' : 'failed');
      if (ending.status !== 'succeeded') break;
    }
    const failure = ending.status === 'succeeded' ? null : ending.failure;
    if (ending.status === 'failed') move(id, { status: 'unwinding', failure });
    const owns = ending.status === 'stuck' ? (ending.owns ?? []) : [];
    const finishedAt = ending.status === 'stuck' ? null : new Date();
    entry.onEnd?.({ ...entry.operation, status: ending.status, failure, finishedAt });
    move(id, { status: ending.status, failure, owns, finishedAt });
  };
  return {
    begin: ({ outcome, onEnd, ...given }) => {
      const operation = newOperation(given);
      const changed = new EventEmitter().setMaxListeners(0);
      entries.set(operation.id, { operation, events: [], changed, outcome, onEnd });
      emit(operation.id, 'operation.accepted', `${given.kind} accepted`);
      return operation;
    },
    emit,
    end,
    work: (id) => {
      const { hostingId } = entryOf(id).operation;
      for (const { operation, outcome } of [...entries.values()]) {
        const isNext = hostingId === null ? operation.id === id : operation.hostingId === hostingId;
        if (isNext) end(operation.id, operation.cancelRequested ? cancelled : outcome?.());
      }
    },
    cancel: (id) => {
      const entry = entryOf(id);
      if (!['pending', 'running'].includes(entry.operation.status)) return;
      entry.operation = { ...entry.operation, cancelRequested: true };
      emit(id, 'operation.cancel_requested', 'cancel requested');
    },
    resume: (id) => {
      if (entryOf(id).operation.status === 'stuck') move(id, { status: 'running', failure: null, owns: [] });
    },
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
