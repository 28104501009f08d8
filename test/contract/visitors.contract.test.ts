/** What guests hear of their visitors through a real Nginx, and what visitors are told when a guest does not do its part. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultLimits } from '../../engine/machine/nginx/proxy-settings';
import { type Answer, askAt, type Asked } from './support/ask';
import { ana, baseDomain, kim, type RealBench, realBench, route, silent } from './support/proxies';

let bench: RealBench;
const servers: Server[] = [];
beforeEach(async () => {
  process.umask(0o077);
  bench = await realBench();
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await bench.close();
});

const ask = (urlPath: string, asked: Asked = {}): Promise<Answer> => askAt(bench.httpPort, urlPath, asked);

/** @param serve  what a guest at this address does with a connection to its web server */
async function guestAt(address: string, serve: (socket: Socket) => void): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(bench.webPort, address, resolve));
}

/** What the guest was asked, with all headers. */
async function heard(urlPath: string, asked: Asked = {}): Promise<string> {
  let text = '';
  await guestAt('127.0.0.9', (socket) => {
    socket.once('data', (chunk: Buffer) => {
      text = chunk.toString();
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
  });
  await ask(urlPath, asked);
  return text.toLowerCase();
}

const said = {
  'x-forwarded-for': '198.51.100.7, 203.0.113.9',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'www.example.net:8443',
};

it('Nginx keeps what a trusted proxy says of visitor, scheme and host, up to the last untrusted address', async () => {
  await bench
    .again({ trustedProxies: ['127.0.0.1', '203.0.113.0/24'] })
    .publish([await route(1, 'ana', '127.0.0.9')]);
  const text = await heard('/1/a', { headers: said });
  expect(text).toContain('\r\nx-forwarded-for: 198.51.100.7\r\n');
  expect(text).toContain('\r\nx-real-ip: 198.51.100.7\r\n');
  expect(text).toContain('\r\nx-forwarded-proto: https\r\n');
  expect(text).toContain('\r\nx-forwarded-host: www.example.net:8443\r\n');
  expect(text).toContain('\r\nx-forwarded-port: 8443\r\n');
});

it.each([
  ['when nobody is trusted', []],
  ['when somebody else is', ['10.0.0.0/8', '::1']],
])('Nginx does not believe forwarding headers %s', async (_, trustedProxies) => {
  await bench.again({ trustedProxies }).publish([await route(1, 'ana', '127.0.0.9')]);
  const text = await heard('/1/a', { headers: said });
  expect(text).toContain('\r\nx-forwarded-for: 127.0.0.1\r\n');
  expect(text).toContain('\r\nx-forwarded-proto: http\r\n');
  expect(text).not.toMatch(/198\.51|www\.example\.net/);
});

it('a redirect leads to the host that a trusted proxy names', async () => {
  await bench.again({ trustedProxies: ['127.0.0.1'] }).publish([await route(1, 'ana', ana)]);
  const words = { 'x-answer-with': JSON.stringify({ Location: 'http://localhost/blog/' }) };
  const { headers } = await ask('/1/blog', { headers: { ...said, ...words } });
  expect(headers.location).toBe('https://www.example.net:8443/1/blog/');
});

it('Nginx listens on IPv6 for pages and SSH, and passes the visitor’s address to the guest', async () => {
  const one = await route(1, 'ana', ana);
  await bench.again({ ipv6: true }).publish([one]);
  const { body } = await ask('/1', { address: '::1' });
  expect(body).toContain(`page of ${ana}`);
  expect(body).toContain('"from":"::1"');
  const greeting = await new Promise<string>((resolve, reject) => {
    connect(one.sshPort, '::1')
      .once('data', (chunk: Buffer) => resolve(chunk.toString()))
      .once('error', reject);
  });
  expect(greeting).toBe(`SSH-2.0-${ana}\r\n`);
});

it('a browser is redirected from the number to its slash, and other clients get the page at once', async () => {
  await bench.proxy.publish([await route(1, 'ana', ana)]);
  const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  for (const [from, to] of [
    ['/1', '/1/'],
    ['/1?a=%20b', '/1/?a=%20b'],
  ] as const)
    expect(await ask(from, { headers: browser })).toMatchObject({ status: 302, headers: { location: to } });
  expect((await ask('/1/', { headers: browser })).body).toContain(`page of ${ana}`);
  expect((await ask('/1', { headers: { accept: '*/*' } })).body).toContain(`page of ${ana}`);
  expect((await ask('/1', { method: 'POST', headers: browser })).body).toContain(`page of ${ana}`);
  expect((await ask('/2', { headers: browser })).status).toBe(404);
});

it('Nginx reads number and path from the same characters', async () => {
  await bench.proxy.publish([await route(1, 'ana', ana), await route(2, 'kim', kim)]);
  for (const odd of ['/%31/a', '//1/a', '/x/../1/a']) expect((await ask(odd)).status).toBe(404);
  // what a proxy in front would tidy up to another's is nobody's
  for (const climbing of ['/1/../2/a', '/1/%2e%2e/2/a']) expect((await ask(climbing)).status).toBe(400);
  for (const within of ['/1/b/../a', '/1/%2E/a']) {
    const { body } = await ask(within);
    expect(body).toContain(`page of ${ana}`);
    expect(body).toContain(`"url":"${within.slice(2)}"`);
  }
});

it('an upload above the limit is refused with a page that names the limit', async () => {
  await bench.again({ limits: { ...defaultLimits, uploadMiB: 1 } }).publish([await route(1, 'ana', ana)]);
  const tooMuch = Buffer.alloc(1_048_577);
  const answer = await ask('/1/a', {
    method: 'POST',
    body: tooMuch,
    headers: { 'content-length': '1048577' },
  });
  expect(answer).toMatchObject({ status: 413, body: expect.stringContaining('At most 1 MiB') as string });
  const fits = await ask('/1/a', {
    method: 'POST',
    body: tooMuch.subarray(1),
    headers: { 'content-length': '1048576' },
  });
  expect(fits.status).toBe(200);
});

it('Nginx distinguishes a VM that is unreachable, one whose web server is silent, and one that speaks no HTTP', async () => {
  await guestAt('127.0.0.5', () => undefined);
  await guestAt('127.0.0.6', (socket) => {
    socket.once('data', () => socket.end());
  });
  await bench
    .again({ limits: { ...defaultLimits, answerSeconds: 1 } })
    .publish([
      await route(1, 'quiet', silent),
      await route(2, 'hangs', '127.0.0.5'),
      await route(3, 'breaks', '127.0.0.6'),
    ]);
  expect(await ask('/1')).toMatchObject({
    status: 502,
    body: expect.stringContaining('This VM is not responding right now.') as string,
  });
  const begun = performance.now();
  expect(await ask('/2')).toMatchObject({
    status: 504,
    body: expect.stringContaining('web server is not responding') as string,
  });
  expect(performance.now() - begun).toBeGreaterThan(900);
  expect(await ask('/3', { headers: { host: `breaks.${baseDomain}` } })).toMatchObject({
    status: 502,
    body: expect.stringContaining('an invalid response') as string,
  });
});

it('WebSockets and event streams may be silent for longer than responses', async () => {
  const late = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate';
  await guestAt('127.0.0.5', (socket) => void delay(1_500).then(() => socket.end(late)));
  await bench
    .again({ limits: { ...defaultLimits, answerSeconds: 1, idleSeconds: 30 } })
    .publish([await route(1, 'ana', '127.0.0.5')]);
  const [plain, events, socket] = await Promise.all([
    ask('/1'),
    ask('/1', { headers: { accept: 'text/event-stream' } }),
    ask('/1', { headers: { upgrade: 'websocket', connection: 'upgrade' } }),
  ]);
  expect(plain.status).toBe(504);
  expect([events.body, socket.body]).toEqual(['late', 'late']);
});

it('Nginx writes neither uploads nor downloads to disk', async () => {
  const size = 30 * 1024 * 1024;
  await guestAt('127.0.0.5', (socket) => {
    socket.once('data', () =>
      socket.end(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`),
          Buffer.alloc(size),
        ]),
      ),
    );
  });
  await bench.proxy.publish([await route(1, 'ana', '127.0.0.5')]);
  // a visitor who does not read
  const slow = connect(bench.httpPort, '127.0.0.1');
  slow.pause();
  slow.write('GET /1/a HTTP/1.1\r\nHost: localhost\r\n\r\n');
  // and one who does not finish
  const half = connect(bench.httpPort, '127.0.0.1');
  half.write(`POST /1/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n`);
  half.write(Buffer.alloc(size / 2));
  await delay(700);
  const dir = path.join(bench.dir, 'tmp');
  const files = (kind: string): string[] =>
    existsSync(path.join(dir, kind))
      ? readdirSync(path.join(dir, kind), { recursive: true, withFileTypes: true })
          .filter((each) => each.isFile())
          .map(String)
      : [];
  expect([...files('proxy'), ...files('body')]).toEqual([]);
  slow.destroy();
  half.destroy();
});

describe('requests under way', () => {
  const stranger = '127.0.0.66';
  /** Requests to a guest that takes them and does not answer; their statuses, as far as they were answered at once. */
  const hold = async (urlPath: string, count: number, from: string, host = 'localhost'): Promise<Held[]> =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect({ port: bench.httpPort, host: '127.0.0.1', localAddress: from });
        let said = '';
        socket.on('error', () => undefined).on('data', (chunk: Buffer) => (said += chunk.toString()));
        socket.write(`GET ${urlPath} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        await delay(300);
        return { socket, status: /^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 'held', said };
      }),
    );
  interface Held {
    readonly socket: Socket;
    readonly status: string;
    readonly said: string;
  }
  const statuses = (all: readonly Held[]): string[] => all.map(({ status }) => status).sort();
  const release = (...all: readonly Held[]): void => {
    for (const { socket } of all) socket.destroy();
  };

  beforeEach(() => guestAt('127.0.0.5', () => undefined));

  it('one visitor’s concurrent requests are limited over all hostings, and another’s are counted separately', async () => {
    await bench
      .again({ limits: { ...defaultLimits, visitorConnections: 3 } })
      .publish([await route(1, 'ana', ana), await route(2, 'quiet', '127.0.0.5')]);
    const held = await hold('/2/', 5, stranger);
    expect(statuses(held)).toEqual(['429', '429', 'held', 'held', 'held']);
    expect(held.find(({ status }) => status === '429')?.said).toContain('Too many requests at once');
    const elsewhere = await hold('/1/', 1, stranger);
    const byName = await hold('/', 1, stranger, `ana.${baseDomain}`);
    const other = await hold('/1/', 1, '127.0.0.67');
    expect([elsewhere, byName, other].map(statuses)).toEqual([['429'], ['429'], ['200']]);
    release(...held, ...elsewhere, ...byName, ...other);
    await delay(100);
    expect(statuses(await hold('/1/', 1, stranger))).toEqual(['200']);
  });

  it('concurrent requests to one hosting are limited, by number and name together, and another’s are counted separately', async () => {
    await bench
      .again({ limits: { ...defaultLimits, hostingConnections: 3 } })
      .publish([await route(1, 'ana', ana), await route(2, 'quiet', '127.0.0.5')]);
    const held = [
      ...(await hold('/2/', 2, stranger)),
      ...(await hold('/', 3, '127.0.0.67', `quiet.${baseDomain}`)),
    ];
    expect(statuses(held)).toEqual(['429', '429', 'held', 'held', 'held']);
    expect(statuses(await hold('/1/', 1, stranger))).toEqual(['200']);
    release(...held);
  });

  it('a connection whose request headers do not arrive is closed', async () => {
    await bench
      .again({ limits: { ...defaultLimits, requestSeconds: 1 } })
      .publish([await route(1, 'ana', ana)]);
    const begun = performance.now();
    const gone = Array.from({ length: 50 }, () => {
      const socket = connect(bench.httpPort, '127.0.0.1');
      socket.write('GET /1/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
      return new Promise((resolve) =>
        socket
          .on('error', () => undefined)
          .on('close', resolve)
          .resume(),
      );
    });
    await Promise.all(gone);
    expect(performance.now() - begun).toBeLessThan(4_000);
  });
});

describe('SSH of a visitor who asks for too much', () => {
  const greets = (port: number, address?: string): Promise<Socket | null> =>
    new Promise((resolve) => {
      const socket = connect({
        port,
        host: '127.0.0.1',
        ...(address === undefined ? {} : { localAddress: address }),
      });
      socket
        .once('data', () => resolve(socket))
        .once('error', () => undefined)
        .once('close', () => resolve(null));
    });

  it('one visitor’s concurrent SSH connections are limited, and others connect as before', async () => {
    const [one, two] = [await route(1, 'ana', ana), await route(2, 'kim', kim)];
    await bench.again({ limits: { ...defaultLimits, sshConnections: 3 } }).publish([one, two]);
    const stranger = '127.0.0.66';
    const held = await Promise.all(Array.from({ length: 8 }, () => greets(one.sshPort, stranger)));
    expect(held.filter((socket) => socket !== null)).toHaveLength(3);
    const owner = await greets(one.sshPort, '127.0.0.67');
    const elsewhere = await greets(two.sshPort, stranger);
    expect([owner, elsewhere]).not.toContain(null);
    for (const socket of [...held, owner, elsewhere]) socket?.destroy();
    await delay(100);
    const again = await greets(one.sshPort, stranger);
    expect(again).not.toBeNull();
    again?.destroy();
  });
});
