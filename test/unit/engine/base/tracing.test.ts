import pino from 'pino';
import type { Config } from '../../../../engine/base/config';
import { createLog } from '../../../../engine/base/log';
import { noTracing, type Span, traced, within } from '../../../../engine/base/tracing';

const quiet = { debug: () => 0, info: () => 0, warn: () => 0, error: () => 0, child: () => quiet } as never;
const traceParent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const span: Span = {
  traceParent,
  rename: () => undefined,
  set: () => undefined,
  fail: () => undefined,
  end: () => undefined,
};

describe('the SDK', () => {
  const packages = ['@opentelemetry/sdk-trace-node', '@opentelemetry/exporter-trace-otlp-http'];
  const startWith = (settings: Partial<Config>): unknown => {
    let tracing: unknown;
    jest.isolateModules(() => {
      for (const name of packages)
        jest.doMock(name, () => {
          throw new Error('the SDK is loaded');
        });
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      const { startTracing } = require('../../../../engine/base/start-tracing') as {
        startTracing: (config: unknown, log: unknown) => unknown;
      };
      tracing = startTracing({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER_ARG: 1, ...settings }, quiet);
    });
    return tracing;
  };
  afterEach(() => {
    for (const name of packages) jest.dontMock(name);
  });

  it('the tracing SDK is loaded only while traces are on', () => {
    expect(startWith({})).toHaveProperty('begin');
    expect(() => startWith({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' })).toThrow(
      'the SDK is loaded',
    );
  });
});

describe('the log', () => {
  it('a log line names the trace of the work that writes it, and none outside of one', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = createLog('info') as ReturnType<typeof createLog> & Record<symbol, unknown>;
    log[pino.symbols.streamSym] = {
      write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>),
    };
    const child = log.child({ operationId: 'o' });
    await within(span, async () => {
      await Promise.resolve();
      child.info('inside');
    });
    log.info('outside');
    expect(lines).toMatchObject([
      { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16), operationId: 'o', msg: 'inside' },
      { msg: 'outside' },
    ]);
    expect(lines[1]).not.toHaveProperty('trace_id');
  });
});

describe('a piece of work', () => {
  it('work is done, and fails as it would, while nothing is traced', async () => {
    expect(await traced(noTracing, 'work', {}, () => Promise.resolve(7))).toBe(7);
    await expect(traced(noTracing, 'work', {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});
