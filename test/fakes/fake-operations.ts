/** The operations of the fake engine: they move only when told to, and tell everybody who waits or follows. */
import { EventEmitter, once } from 'node:events';
import { randomUUID } from 'node:crypto';
import {
  EngineError,
  type Engine,
  type Failure,
  type Operation,
  type OperationEvent,
  type OperationKind,
  type User,
} from '../../engine';

type Ending =
  | { readonly status: 'succeeded' }
  | { readonly status: 'failed' | 'stuck'; readonly failure: Failure | null; readonly owns?: string[] };

interface Entry {
  operation: Operation;
  readonly events: OperationEvent[];
  readonly changed: EventEmitter;
  readonly whenEnded: ((operation: Operation) => void)[];
}

export class FakeOperations {
  /** How many callers wait or follow right now; back to zero when their clients are gone. */
  interested = 0;
  /** The time the last wait was given. */
  lastTimeoutMs: number | undefined;
  private readonly entries = new Map<string, Entry>();
  /** What the last list was asked for. */
  lastListed: Parameters<Engine['operations']['list']>[0] | undefined;
  private sequence = 0;

  begin(kind: OperationKind, userId: number, hostingId: string, stepNames: readonly string[]): Operation {
    const now = new Date();
    const steps = stepNames.map(
      (name) => ({ name, status: 'pending', tries: 0, startedAt: null, finishedAt: null }) as const,
    );
    const operation: Operation = {
      id: randomUUID(),
      kind,
      status: 'running',
      hostingId,
      userId,
      steps,
      failure: null,
      cancelRequested: false,
      owns: [],
      queuePosition: null,
      estimatedSeconds: null,
      createdAt: now,
      startedAt: now,
      finishedAt: null,
    };
    const changed = new EventEmitter().setMaxListeners(0);
    this.entries.set(operation.id, { operation, events: [], changed, whenEnded: [] });
    this.emit(operation.id, 'operation.started', 'Started');
    return operation;
  }

  onEnd(id: string, act: (operation: Operation) => void): void {
    this.entry(id).whenEnded.push(act);
  }

  emit(id: string, type: string, message: string, data: Record<string, unknown> = {}): OperationEvent {
    const { events, changed } = this.entry(id);
    const event = { id: String(++this.sequence), operationId: id, at: new Date(), type, message, data };
    events.push(event);
    changed.emit('change');
    return event;
  }

  end(id: string, ending: Ending = { status: 'succeeded' }): void {
    const entry = this.entry(id);
    if (entry.operation.finishedAt !== null) return;
    entry.operation = { ...entry.operation, failure: null, ...ending, finishedAt: new Date() };
    for (const act of entry.whenEnded) act(entry.operation);
    this.emit(id, `operation.${ending.status}`, 'Ended', { tookMs: 5 });
  }

  endAll(): void {
    for (const id of this.entries.keys()) this.end(id);
  }

  /** The newest operation. */
  latest(): Operation {
    const newest = [...this.entries.values()].at(-1);
    if (newest === undefined) throw new Error('no operation has begun');
    return newest.operation;
  }

  known(id: string): Operation {
    return this.entry(id).operation;
  }

  asEngineSees(): Engine['operations'] {
    return {
      get: async (user, id) => this.visible(user, id).operation,
      list: async (options) => {
        this.lastListed = options;
        const all = [...this.entries.values()].reverse().map(({ operation }) => operation);
        return all
          .filter(({ status }) => options.status === undefined || status === options.status)
          .slice(0, options.limit)
          .map((operation) => ({ ...operation, vmName: `vm-${operation.hostingId?.slice(0, 8)}` }));
      },
      wait: (id, options) => this.wait(id, options),
      events: (id, options) => this.follow(id, options),
      cancel: async (user, id) => {
        const entry = this.visible(user, id);
        if (entry.operation.finishedAt !== null) return entry.operation;
        entry.operation = { ...entry.operation, status: 'unwinding', cancelRequested: true };
        return entry.operation;
      },
    };
  }

  private async wait(id: string, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Operation> {
    this.lastTimeoutMs = options.timeoutMs;
    const entry = this.entry(id);
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), options.timeoutMs);
    const lost = (): void => timeout.abort();
    options.signal?.addEventListener('abort', lost);
    this.interested += 1;
    try {
      while (entry.operation.finishedAt === null)
        await once(entry.changed, 'change', { signal: timeout.signal });
    } catch (thrown) {
      if (options.signal?.aborted) throw thrown;
    } finally {
      this.interested -= 1;
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', lost);
    }
    return entry.operation;
  }

  private async *follow(
    id: string,
    { afterId, signal }: { afterId?: string; signal: AbortSignal },
  ): AsyncGenerator<OperationEvent> {
    const entry = this.entry(id);
    let next = entry.events.findIndex((event) => Number(event.id) > Number(afterId ?? 0));
    if (next === -1) next = entry.events.length;
    this.interested += 1;
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
      this.interested -= 1;
    }
  }

  private visible(user: User, id: string): Entry {
    const entry = this.entries.get(id);
    const allowed = entry !== undefined && (user.role === 'admin' || entry.operation.userId === user.id);
    if (!allowed) throw new EngineError('operation_not_found', 'You have no such operation');
    return entry;
  }

  private entry(id: string): Entry {
    const entry = this.entries.get(id);
    if (entry === undefined) throw new EngineError('operation_not_found', 'There is no such operation');
    return entry;
  }
}
