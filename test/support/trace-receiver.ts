/** Takes traces as a collector does: OTLP over HTTP, as JSON. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1 internal, 2 server, 5 consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 2 is an error. */
  readonly status: { readonly code?: number; readonly message?: string };
  readonly events: readonly unknown[];
  /** Of the process that sent it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface TraceReceiver {
  readonly endpoint: string;
  readonly spans: ReceivedSpan[];
  /** What came, byte for byte, and with which headers. */
  readonly bodies: string[];
  readonly headers: http.IncomingHttpHeaders[];
  /** The first span that is as wanted, once it is there. */
  find(wanted: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
  childrenOf(span: ReceivedSpan): ReceivedSpan[];
  close(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
type Sent = Omit<ReceivedSpan, 'attributes' | 'resource'> & { readonly attributes: readonly Attribute[] };

const valuesOf = (attributes: readonly Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

export async function startTraceReceiver(): Promise<TraceReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const headers: http.IncomingHttpHeaders[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      if (request.url !== '/v1/traces') return void response.writeHead(404).end();
      bodies.push(body);
      headers.push(request.headers);
      const { resourceSpans } = JSON.parse(body) as {
        resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Sent[] }[] }[];
      };
      for (const { resource, scopeSpans } of resourceSpans)
        for (const each of scopeSpans.flatMap((scope) => scope.spans))
          spans.push({
            ...each,
            attributes: valuesOf(each.attributes),
            resource: valuesOf(resource.attributes),
          });
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    headers,
    find: async (wanted) => {
      for (let tries = 0; tries < 100; tries++) {
        const found = spans.find(wanted);
        if (found !== undefined) return found;
        await delay(100);
      }
      throw new Error(`no such span among: ${spans.map(({ name }) => name).join(', ')}`);
    },
    childrenOf: ({ spanId }) => spans.filter(({ parentSpanId }) => parentSpanId === spanId),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
