/**
 * Who gets a connection with a guest to themselves: who asks for a WebSocket by the whole of its rules. Anybody else may
 * share the connection with others, and a guest that takes it is heard by them.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import tls from 'node:tls';
import { plainSite } from '../../engine/machine/nginx/site';
import { makeSelfSigned } from '../support/certificates';
import { freePort } from '../support/postgres';
import { type RealBench, realBench, route } from './support/proxies';

const eve = '127.0.0.5';
/** An upgrade, and at once what nobody may hear who did not ask for one. */
const taking = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\n\r\nstolen';

let bench: RealBench;
let guest: Server;
let open: Set<Socket>;
/** What the guest says to the first bytes that it hears. */
let says: string;
beforeEach(async () => {
  process.umask(0o077);
  bench = await realBench();
  open = new Set();
  says = taking;
  guest = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).once('data', () => socket.write(says));
  });
  guest.listen(bench.webPort, eve);
  await once(guest, 'listening');
});
afterEach(async () => {
  for (const socket of open) socket.destroy();
  guest.close();
  await bench.close();
});

/** Sends it, and reads until `enough` is there or the connection ends. */
async function hear(
  socket: Socket,
  sent: string | Buffer,
  enough: (said: string) => boolean,
): Promise<string> {
  open.add(socket);
  let said = '';
  socket.on('error', () => undefined).setTimeout(5_000, () => socket.destroy());
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => {
      resolve();
    });
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (enough(said)) socket.destroy();
    });
  });
  socket.write(sent);
  await ended;
  return said;
}

const withBoth = ['Connection: Upgrade', 'Upgrade: websocket'];
const asks = (first: string, lines: readonly string[]): Promise<string> =>
  hear(
    connect(bench.httpPort, '127.0.0.1'),
    [first, 'Host: localhost', ...lines, '', ''].join('\r\n'),
    (said) => said.includes('stolen') || said.includes('</html>'),
  );

it.each<[string, string, readonly string[]]>([
  ['says `Upgrade` and no more', 'GET /7/ HTTP/1.1', ['Upgrade: websocket']],
  ['closes', 'GET /7/ HTTP/1.1', ['Upgrade: websocket', 'Connection: close']],
  ['keeps alive', 'GET /7/ HTTP/1.1', ['Upgrade: websocket', 'Connection: keep-alive']],
  ['says something like it', 'GET /7/ HTTP/1.1', ['Upgrade: websocket', 'Connection: upgraded, x-upgrade']],
  ['wants something else', 'GET /7/ HTTP/1.1', ['Upgrade: h2c', 'Connection: Upgrade']],
  ['speaks HTTP/1.0', 'GET /7/ HTTP/1.0', withBoth],
  ['sends', 'POST /7/ HTTP/1.1', [...withBoth, 'Content-Length: 0']],
  ['has it in a header of another name', 'GET /7/ HTTP/1.1', ['X-Connection: Upgrade', 'Upgrade: websocket']],
])('is refused to who %s', async (_, first, lines) => {
  await bench.proxy.publish([await route(7, 'eve', eve)]);
  const said = await asks(first, lines);
  expect(said).toMatch(/^HTTP\/1\.1 502 [^]*\r\nConnection: close\r\n/);
  expect(said).not.toContain('stolen');
});

it.each([
  ['Connection: Upgrade'],
  ['Connection: upgrade'],
  ['Connection: keep-alive, Upgrade'],
  ['Connection: Upgrade, HTTP2-Settings'],
])('is given to who says %s', async (line) => {
  await bench.proxy.publish([await route(7, 'eve', eve)]);
  const said = await asks('GET /7/ HTTP/1.1', [line, 'Upgrade: WebSocket']);
  expect(said).toMatch(/^HTTP\/1\.1 101 [^]*stolen$/);
});

it.each([
  ['an early answer', taking.replace('101 Switching Protocols', '103 Early Hints')],
  ['no HTTP', `hello\r\n\r\n${taking}`],
])('is refused, with %s in its place, to who asks by the rules', async (_, words) => {
  says = words;
  await bench.proxy.publish([await route(7, 'eve', eve)]);
  const said = await asks('GET /7/ HTTP/1.1', withBoth);
  expect(said).toMatch(/^HTTP\/1\.1 502 [^]*\r\nConnection: close\r\n/);
  expect(said).not.toContain('stolen');
});

/** A frame of HTTP/2 (RFC 9113, 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header that is in no table (RFC 7541, 6.2.2); Node's own client sends no `upgrade`. */
function header(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

it('is refused to a stream of HTTP/2, whose connection is that of all the others', async () => {
  const port = await freePort();
  const { chain, key } = await makeSelfSigned(['localhost'], 10, new Date());
  const certificate = { names: ['localhost'], chain, openKey: () => key };
  const https = { port, api: null, redirect: false, hstsSeconds: 0, serviceHosts: ['localhost'] };
  const site = { ...plainSite, fallback: certificate, certificates: [certificate] };
  await bench.again({ https, site }).publish([await route(7, 'eve', eve)]);
  const asked = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', '/7/'],
    ['connection', 'upgrade'],
    ['upgrade', 'websocket'],
  ].map(([name = '', value = '']) => header(name, value));
  const to = { host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false };
  const said = await hear(
    tls.connect({ ...to, ALPNProtocols: ['h2'] }),
    Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      frame(4, 0, 0, Buffer.alloc(0)),
      frame(1, 5, 1, Buffer.concat(asked)),
    ]),
    (text) => text.includes('stolen') || text.includes('</html>'),
  );
  expect(said).toContain('an invalid response');
  expect(said).not.toContain('stolen');
});
