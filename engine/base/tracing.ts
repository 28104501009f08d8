/**
 * What a request and the work it caused did, and how long each part took, as one trace of OpenTelemetry. Off unless
 * OTEL_EXPORTER_OTLP_ENDPOINT says where traces go: then nothing is begun, and the SDK is not even loaded.
 *
 * A span says which kind of work it was and on what, by ids. It never holds what a user has written, nor a secret, nor
 * the text of an error: that is the log's.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EngineError } from './errors';

export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Span {
  /** As W3C's `traceparent` has it, to go on elsewhere; null where nothing is traced. */
  readonly traceParent: string | null;
  rename(name: string): void;
  /** What is null or undefined is left out. */
  set(attributes: Attributes): void;
  /** @param type  a code, such as `apply_failed` or `500` */
  fail(type: string): void;
  end(): void;
}

export interface SpanOptions {
  /** `server` answers somebody, `consumer` takes up what somebody has left. @default internal */
  readonly kind?: 'server' | 'consumer';
  /** Whose part it is, as `traceParent` says; null begins a trace. @default the span that it is begun in */
  readonly parent?: string | null;
  readonly attributes?: Attributes;
}

export interface Tracing {
  begin(name: string, options?: SpanOptions): Span;
  /** Sends what is left, as far as the receiver takes it within 3 s. */
  close(): Promise<void>;
}

const noSpan: Span = {
  traceParent: null,
  rename: () => undefined,
  set: () => undefined,
  fail: () => undefined,
  end: () => undefined,
};

export const noTracing: Tracing = { begin: () => noSpan, close: () => Promise.resolve() };

const open = new AsyncLocalStorage<Span>();

/** Runs it, and whatever it starts, as a part of the span. */
export function within<T>(span: Span, body: () => T): T {
  return span.traceParent === null ? body() : open.run(span, body);
}

/** Runs it as a part of nothing: for what goes on behind the work, such as sending its traces. */
export function apart<T>(body: () => T): T {
  return open.getStore() === undefined ? body() : open.run(noSpan, body);
}

export function currentTraceParent(): string | null {
  return open.getStore()?.traceParent ?? null;
}

/** For a line of the log; nothing where nothing is traced. */
export function currentTraceIds(): { trace_id: string; span_id: string } | Record<string, never> {
  const [, traceId, spanId] = currentTraceParent()?.split('-') ?? [];
  return traceId === undefined || spanId === undefined ? {} : { trace_id: traceId, span_id: spanId };
}

/** A span around a piece of work. What is thrown ends it as failed, by its code. */
export async function traced<T>(
  tracing: Tracing,
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = tracing.begin(name, options);
  try {
    return await within(span, () => work(span));
  } catch (thrown) {
    span.fail(thrown instanceof EngineError ? thrown.code : thrown instanceof Error ? thrown.name : 'error');
    throw thrown;
  } finally {
    span.end();
  }
}
