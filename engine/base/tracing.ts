/**
 * What a request and the work it caused did, and how long each part took, as one OpenTelemetry trace. Off unless
 * OTEL_EXPORTER_OTLP_ENDPOINT says where traces go: without it no span is started, and the SDK is not even loaded.
 *
 * A span names the kind of work, and its object by ID. It never contains user input, a secret or the text of an error:
 * the log has that.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EngineError } from './errors';

export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Span {
  /** In the form of W3C's `traceparent`, for continuing the trace elsewhere; null if nothing is traced. */
  readonly traceParent: string | null;
  rename(name: string): void;
  /** Attributes that are null or undefined are omitted. */
  set(attributes: Attributes): void;
  /** @param type  a code, such as `apply_failed` or `500` */
  fail(type: string): void;
  end(): void;
}

export interface SpanOptions {
  /** `server` answers a request, `consumer` takes up queued work. @default internal */
  readonly kind?: 'server' | 'consumer';
  /** The parent, as a `traceParent`; null starts a trace. @default the current span */
  readonly parent?: string | null;
  readonly attributes?: Attributes;
}

export interface Tracing {
  begin(name: string, options?: SpanOptions): Span;
  /** Sends the remaining spans, as far as the receiver accepts them within 3 s. */
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

/** Runs `body`, and everything it starts, as a part of the span. */
export function within<T>(span: Span, body: () => T): T {
  return span.traceParent === null ? body() : open.run(span, body);
}

/** Runs `body` outside of any span: for background work, such as sending traces. */
export function apart<T>(body: () => T): T {
  return open.getStore() === undefined ? body() : open.run(noSpan, body);
}

export function currentTraceParent(): string | null {
  return open.getStore()?.traceParent ?? null;
}

/** For a log line; empty if nothing is traced. */
export function currentTraceIds(): { trace_id: string; span_id: string } | Record<string, never> {
  const [, traceId, spanId] = currentTraceParent()?.split('-') ?? [];
  return traceId === undefined || spanId === undefined ? {} : { trace_id: traceId, span_id: spanId };
}

/** Runs a piece of work in a span. An error ends the span as failed, with the error's code. */
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
