/**
 * Spans of OpenTelemetry's SDK, sent to a receiver by OTLP over HTTP as JSON. Loaded by start-tracing.ts, only if there
 * is a receiver. Nothing waits for the receiver: spans that it does not accept are lost.
 */
import {
  type Context,
  ROOT_CONTEXT,
  type Span as ApiSpan,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import type { Config } from './config';
import { type Log, oncePerMinute } from './log';
import { projectVersion } from './project';
import { apart, type Attributes, currentTraceParent, type Span, type Tracing } from './tracing';

export type TracingSettings = Pick<Config, 'ROLE' | 'OTEL_SERVICE_NAME' | 'OTEL_TRACES_SAMPLER_ARG'> & {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT: string;
  readonly OTEL_EXPORTER_OTLP_HEADERS?: string;
};

const sendWithinMs = 5_000;
const closeWithinMs = 3_000;
const kinds = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER };

export function otlpTracing(settings: TracingSettings, log: Log): Tracing {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': settings.OTEL_SERVICE_NAME,
      'service.version': projectVersion,
      'service.instance.id': `${settings.ROLE}:${process.pid}`,
    }),
    // a request and its work are kept together, or neither is
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.OTEL_TRACES_SAMPLER_ARG) }),
    spanProcessors: [
      new BatchSpanProcessor(telling(exporterTo(settings), log), { scheduledDelayMillis: 1_000 }),
    ],
  });
  // not registered for the whole process: what is traced is what tracing.ts begins, and nothing else
  const tracer = provider.getTracer('vm-webhoster', projectVersion);
  return {
    begin: (name, { kind, parent = currentTraceParent(), attributes = {} } = {}) => {
      const options = {
        kind: kind === undefined ? SpanKind.INTERNAL : kinds[kind],
        attributes: present(attributes),
      };
      return ours(tracer.startSpan(name, options, contextOf(parent)));
    },
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const timeUp = new Promise<void>((resolve) => (timer = setTimeout(resolve, closeWithinMs)));
      await Promise.race([provider.shutdown().catch(() => undefined), timeUp]);
      clearTimeout(timer);
    },
  };
}

function exporterTo(settings: TracingSettings): SpanExporter {
  return new OTLPTraceExporter({
    url: `${settings.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, '')}/v1/traces`,
    headers: headersOf(settings.OTEL_EXPORTER_OTLP_HEADERS ?? ''),
    timeoutMillis: sendWithinMs,
  });
}

/** `name=value,name=value`, with values as in a URL. */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
    }),
  );
}

function telling(exporter: SpanExporter, log: Log): SpanExporter {
  const worthTelling = oncePerMinute();
  return {
    export: (spans, done) => {
      exporter.export(spans, (result) => {
        if (result.code !== 0 && worthTelling(''))
          log.warn({ err: result.error }, 'traces cannot be sent; see OTEL_EXPORTER_OTLP_ENDPOINT');
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

const traceParents = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** What cannot be read begins a trace of its own. */
function contextOf(traceParent: string | null): Context {
  const [, traceId, spanId, flags = '00'] = traceParents.exec(traceParent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}

function ours(span: ApiSpan): Span {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceParent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    rename: (name) => void span.updateName(name),
    set: (attributes) => void span.setAttributes(present(attributes)),
    fail: (type) => void span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR }),
    end: () => {
      apart(() => {
        span.end();
      });
    },
  };
}

function present(attributes: Attributes): Record<string, string | number | boolean> {
  const given = Object.entries(attributes).flatMap(([name, value]) => (value == null ? [] : [[name, value]]));
  return Object.fromEntries(given) as Record<string, string | number | boolean>;
}
