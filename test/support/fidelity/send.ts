/** Sends a case's request, by HTTP/1 letter by letter, or by HTTP/2. */
import http2 from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import type { Asking } from './case';
import { type Header, type Message, pauseMs, Wire } from './wire';

export interface Answer extends Message {
  /** Statuses of what came before the answer. */
  readonly interim: readonly string[];
  /** What came back through a connection that was upgraded. */
  readonly echoed: string;
}

export interface Target {
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
  readonly host: string;
}

export async function sendHttp1(to: Target, asking: Asking, mark: string): Promise<Answer> {
  const options = { host: to.address, port: to.port };
  const socket = to.secure
    ? tls.connect({
        ...options,
        servername: nameOf(to.host),
        rejectUnauthorized: false,
        ALPNProtocols: ['http/1.1'],
      })
    : connect(options);
  const wire = new Wire(socket);
  const { method = 'GET', target = '/', headers = [], body = [], version = '1.1', host = to.host } = asking;
  const all: Header[] = [...(host === '' ? [] : [['Host', host] as const]), ['X-Case', mark], ...headers];
  const isPolite = headers.some(([name]) => name === 'expect');
  socket.write(
    `${method} ${target} HTTP/${version}\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    'latin1',
  );
  try {
    if (!isPolite) await sendParts(socket, body);
    const interim: string[] = [];
    let head = await wire.head();
    while (/ 1(?!01)\d\d/.test(head.first)) {
      interim.push(head.first.split(' ')[1] ?? '');
      if (isPolite) await sendParts(socket, body);
      head = await wire.head();
    }
    const isSwitched = / 101 /.test(head.first);
    const isBodiless = isSwitched || method === 'HEAD' || / (204|304) /.test(head.first);
    const message = await wire.rest(head, isBodiless ? 'bodiless' : 'may have a body');
    if (isSwitched) socket.write('ping');
    return { ...message, interim, echoed: isSwitched ? (await wire.take(4)).toString() : '' };
  } finally {
    socket.destroy();
  }
}

async function sendParts(
  socket: { write(part: string, encoding: 'latin1'): unknown },
  parts: readonly string[],
): Promise<void> {
  for (const [index, part] of parts.entries()) {
    // only what is meant to come slowly is small
    if (index > 0 && parts.length === 2 && part.length === 1) await delay(2 * pauseMs);
    socket.write(part, 'latin1');
  }
}

const notOfHttp2 = ['connection', 'keep-alive', 'transfer-encoding'];

export async function sendHttp2(to: Target, asking: Asking, mark: string): Promise<Answer> {
  const session = http2.connect(`https://${to.host}`, {
    createConnection: () =>
      tls.connect({
        host: to.address,
        port: to.port,
        servername: nameOf(to.host),
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
      }),
  });
  try {
    return await exchange(session, to, asking, mark);
  } finally {
    session.destroy();
  }
}

function exchange(
  session: http2.ClientHttp2Session,
  to: Target,
  asking: Asking,
  mark: string,
): Promise<Answer> {
  const { method = 'GET', target = '/', headers = [], body = [] } = asking;
  const given: Record<string, string | string[]> = {
    ':method': method,
    ':path': target,
    ':authority': to.host,
    'x-case': mark,
  };
  for (const [name, value] of headers) {
    if (notOfHttp2.includes(name)) continue;
    const before = given[name];
    given[name] = before === undefined ? value : [before, value].flat();
  }
  const isChunked = headers.some(([name]) => name === 'transfer-encoding');
  return new Promise((resolve, reject) => {
    const stream = session.request(given, { endStream: body.length === 0 });
    const interim: string[] = [];
    const chunks: Buffer[] = [];
    let first = '';
    let answered: readonly Header[] = [];
    let begun = 0;
    session.on('error', reject);
    stream.on('error', reject);
    stream.on('headers', (early) => interim.push(String(early[':status'])));
    stream.on('response', (said, _flags, ...[raw]: unknown[]) => {
      first = `HTTP/2 ${said[':status'] ?? ''}`;
      answered = pairs(raw as string[] | undefined, said);
    });
    stream.on('data', (chunk: Buffer) => {
      if (begun === 0) begun = performance.now();
      chunks.push(chunk);
    });
    stream.on('end', () => {
      const inParts = begun > 0 && performance.now() - begun > pauseMs;
      resolve({
        first,
        headers: answered,
        framing: 'none',
        body: Buffer.concat(chunks),
        trailers: [],
        inParts,
        interim,
        echoed: '',
      });
    });
    const parts = isChunked
      ? body.slice(0, -1).map((part) => part.slice(part.indexOf('\r\n') + 2, -2))
      : body;
    void sendParts({ write: (part, encoding) => stream.write(Buffer.from(part, encoding)) }, parts).then(() =>
      stream.end(),
    );
  });
}

/** Node gives the headers as they came beside those that it has put in order. */
function pairs(raw: readonly string[] | undefined, ordered: http2.IncomingHttpHeaders): Header[] {
  if (raw === undefined)
    return Object.entries(ordered)
      .flatMap(([name, value]) => [value ?? []].flat().map((each) => [name, each] as const))
      .filter(([name]) => !name.startsWith(':'));
  return raw.flatMap((name, index) =>
    index % 2 === 0 && !name.startsWith(':') ? [[name, raw[index + 1] ?? ''] as const] : [],
  );
}

function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}
