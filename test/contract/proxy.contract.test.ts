/**
 * The proxy: a real Nginx of its own, and the fake that tests of operations use.
 *
 * Guests are servers on 127.0.0.2 and 127.0.0.3. Ports 80 and 22 of a machine may be taken (an sshd listens on every
 * address), so this Nginx is started through a few lines of shell that put free ports in the place of those two;
 * all else of the configuration is as it was rendered.
 */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, systemClock } from '../../engine/clock';
import type { Config } from '../../engine/config';
import { nginxProxy } from '../../engine/proxy/nginx';
import type { Proxy, Route } from '../../engine/proxy/proxy';
import { stopProxy } from '../../engine/setup';
import { FakeHost } from '../fakes/fake-host';
import { freePort } from '../support/postgres';

const baseDomain = 'pages.example.org';
const streamModule = ['/usr/lib/nginx/modules/ngx_stream_module.so'].find((file) => existsSync(file)) ?? null;
/** Addresses of two guests that answer, and one that does not. */
const [ana, kim, silent] = ['127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;

/** A guest's web server tells what it was asked; its SSH says its name and then echoes. */
interface Guests {
  readonly httpPort: number;
  readonly sshPort: number;
  close(): Promise<void>;
}

async function openGuests(): Promise<Guests> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const listen = (server: Server, port: number, host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.on('connection', (socket) => {
        sockets.add(socket.on('close', () => sockets.delete(socket)));
      });
      server.listen(port, host, () => {
        servers.push(server);
        resolve((server.address() as AddressInfo).port);
      });
    });
  const web = (name: string): Server =>
    http.createServer((request, response) => {
      const { host, 'x-forwarded-prefix': prefix = '', 'x-forwarded-for': from } = request.headers;
      response.end(`page of ${name}: ${JSON.stringify({ url: request.url, host, prefix, from })}`);
    });
  const ssh = (name: string): Server =>
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(`SSH-2.0-${name}\r\n`);
      socket.pipe(socket);
    });
  const httpPort = await listen(web(ana), 0, ana);
  const sshPort = await listen(ssh(ana), 0, ana);
  await listen(web(kim), httpPort, kim);
  await listen(ssh(kim), sshPort, kim);
  return {
    httpPort,
    sshPort,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

interface Bench {
  readonly proxy: Proxy;
  /** A marker that only the guest's page holds. */
  pageOf(ip: string): string;
  close(): Promise<void>;
}

interface RealBench extends Bench {
  readonly dir: string;
  readonly httpPort: number;
  /** Another engine's view of the same Nginx. */
  again(change?: { clock?: Clock }): Proxy;
  stop(): Promise<void>;
}

async function realBench(): Promise<RealBench> {
  const home = mkdtempSync(path.join(tmpdir(), 'webhoster-ctr-nginx-'));
  // the workers are another user
  chmodSync(home, 0o711);
  const dir = path.join(home, 'nginx');
  const guests = await openGuests();
  const program = path.join(home, 'nginx-for-test');
  writeFileSync(program, wrapper(guests), { mode: 0o755 });
  const httpPort = await freePort();
  const again: RealBench['again'] = ({ clock = systemClock } = {}) =>
    nginxProxy({
      program,
      dir,
      httpPort,
      baseDomain,
      streamModule,
      user: process.getuid?.() === 0 ? 'www-data' : null,
      clock,
      pages: {
        apiUrl: 'http://api.example.org',
        docsUrl: 'http://api.example.org/docs',
        healthUrl: 'http://api.example.org/health',
        baseDomain,
        httpUrl: 'http://example.org',
      },
    });
  const stop = (): Promise<void> => stopProxy({ NGINX_BIN: program, nginxDir: dir } as Config);
  return {
    dir,
    httpPort,
    proxy: again(),
    again,
    stop,
    pageOf: (ip) => `page of ${ip}:`,
    close: async () => {
      if (existsSync(path.join(dir, 'nginx.conf'))) await stop();
      for (const pid of nginxProcesses(home)) process.kill(pid, 'SIGKILL');
      await guests.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function wrapper({ httpPort, sshPort }: Guests): string {
  return `#!/bin/sh
# the value after -c is the configuration
previous=
for argument; do
  shift
  if [ "$previous" = -c ]; then
    sed -e 's#:22;#:${sshPort};#' -e 's#proxy_pass http://\\($vm_by_[a-z]*\\);#proxy_pass http://\\1:${httpPort};#' "$argument" > "$argument.for-test"
    argument=$argument.for-test
  fi
  previous=$argument
  set -- "$@" "$argument"
done
exec nginx "$@"
`;
}

function fakeBench(): Promise<Bench> {
  const host = new FakeHost();
  for (const ip of [ana, kim]) host.pages.set(ip, `page of ${ip}: {}`);
  return Promise.resolve({
    proxy: host.proxy,
    pageOf: (ip) => `page of ${ip}:`,
    close: () => Promise.resolve(),
  });
}

/** Nginx processes whose master was started from this directory. */
function nginxProcesses(home: string): number[] {
  const holds = (pid: string): boolean => {
    try {
      if (
        readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'nginx' ||
        /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
      )
        return false;
      return readdirSync(`/proc/${pid}/fd`).some((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(home);
        } catch {
          return false;
        }
      });
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && holds(pid))
    .map(Number);
}

async function route(userId: number, username: string, ip: string): Promise<Route> {
  return { userId, username, ip, sshPort: await freePort() };
}

describe.each<[string, () => Promise<Bench>]>([
  ['Nginx', realBench],
  ['the fake proxy', fakeBench],
])('%s', (_, open) => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await open();
  });
  afterEach(() => bench.close());

  it('does not answer before anything was published', async () => {
    await expect(bench.proxy.fetch('/1')).rejects.toMatchObject({
      code: 'proxy_unreachable',
      retryable: true,
    });
    await expect(bench.proxy.version()).rejects.toMatchObject({ code: 'proxy_unreachable' });
  });

  it('serves each user’s page by number as soon as its route is published', async () => {
    await bench.proxy.publish([await route(1, 'ana', ana), await route(12, 'kim', kim)]);
    expect(await bench.proxy.fetch('/1')).toContain(bench.pageOf(ana));
    expect(await bench.proxy.fetch('/12')).toContain(bench.pageOf(kim));
    expect(await bench.proxy.version()).toMatch(/^nginx \d+\.\d+\.\d+/);
  });

  it('serves exactly the routes of the last publish', async () => {
    await bench.proxy.publish([await route(1, 'ana', ana)]);
    await bench.proxy.publish([await route(2, 'kim', kim)]);
    expect(await bench.proxy.fetch('/1')).not.toContain(bench.pageOf(ana));
    expect(await bench.proxy.fetch('/2')).toContain(bench.pageOf(kim));
    await bench.proxy.publish([]);
    expect(await bench.proxy.fetch('/2')).not.toContain(bench.pageOf(kim));
  });

  it('says that there is no hosting at an unknown number', async () => {
    await bench.proxy.publish([await route(1, 'ana', ana)]);
    for (const unknown of ['/2', '/11', '/10'])
      expect(await bench.proxy.fetch(unknown)).toContain('There is no hosting at this address.');
  });

  it('says so when a VM does not answer', async () => {
    await bench.proxy.publish([await route(1, 'quiet', silent)]);
    expect(await bench.proxy.fetch('/1')).toContain('This VM does not answer right now.');
  });

  it('publishes the same twice without harm', async () => {
    const routes = [await route(1, 'ana', ana)];
    await bench.proxy.publish(routes);
    await bench.proxy.publish(routes);
    expect(await bench.proxy.fetch('/1')).toContain(bench.pageOf(ana));
  });

  it.each(['userId', 'username', 'sshPort'] as const)(
    'refuses two routes of one %s, and serves on as before',
    async (key) => {
      const one = await route(1, 'ana', ana);
      await bench.proxy.publish([one]);
      const other = { ...(await route(2, 'kim', kim)), [key]: one[key] };
      await expect(bench.proxy.publish([one, other])).rejects.toMatchObject({
        name: 'EngineError',
        code: 'proxy_refused',
      });
      expect(await bench.proxy.fetch('/1')).toContain(bench.pageOf(ana));
      expect(await bench.proxy.fetch('/2')).not.toContain(bench.pageOf(kim));
      // and what comes next is not hindered
      await bench.proxy.publish([one, await route(2, 'kim', kim)]);
      expect(await bench.proxy.fetch('/2')).toContain(bench.pageOf(kim));
    },
  );
});

describe('Nginx itself', () => {
  let bench: RealBench;
  let umask: number;
  beforeEach(async () => {
    // as the engine runs
    umask = process.umask(0o077);
    bench = await realBench();
  });
  afterEach(async () => {
    await bench.close();
    process.umask(umask);
  });

  interface Answer {
    readonly status: number;
    readonly headers: http.IncomingHttpHeaders;
    readonly body: string;
  }

  function get(urlPath: string, host = 'localhost'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = http.get(
        { host: '127.0.0.1', port: bench.httpPort, path: urlPath, agent: false, headers: { host } },
        (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
          });
        },
      );
      request.on('error', reject);
    });
  }

  /** What a guest was asked, as it tells itself. */
  function asked({ body }: Answer): Record<string, string> {
    return JSON.parse(body.slice(body.indexOf('{'))) as Record<string, string>;
  }

  function converse(port: number): {
    socket: Socket;
    said: () => string;
    until: (text: string) => Promise<void>;
  } {
    let said = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    const until = async (text: string): Promise<void> => {
      for (let tries = 0; !said.includes(text); tries++) {
        if (tries > 300) throw new Error(`heard ${JSON.stringify(said)}, not ${text}`);
        await delay(10);
      }
    };
    return { socket, said: () => said, until };
  }

  const workers = (): number[] => nginxProcesses(path.dirname(bench.dir)).sort();
  const masterPid = (): number => Number(readFileSync(path.join(bench.dir, 'nginx.pid'), 'utf8'));
  const configuration = (): string => readFileSync(path.join(bench.dir, 'nginx.conf'), 'utf8');

  it('shows a guest its own root, whatever stands before it outside', async () => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    expect(asked(await get('/7'))).toMatchObject({ url: '/', prefix: '/7', from: '127.0.0.1' });
    expect(asked(await get('/7/'))).toMatchObject({ url: '/' });
    expect(asked(await get('/7/a/b.html?x=1&y=2'))).toMatchObject({ url: '/a/b.html?x=1&y=2', prefix: '/7' });
    expect((await get('/07')).status).toBe(404);
    expect((await get('/7a')).status).toBe(404);
  });

  it('serves by host name, as an origin of its own', async () => {
    await bench.proxy.publish([await route(7, 'ana', ana), await route(8, 'kim', kim)]);
    const answer = await get('/a?x=1', `kim.${baseDomain}`);
    expect(answer.body).toContain(`page of ${kim}`);
    expect(asked(answer)).toMatchObject({ url: '/a?x=1', host: `kim.${baseDomain}`, prefix: '' });
    // there a number is a path like any other
    expect(asked(await get('/7', `kim.${baseDomain}`))).toMatchObject({ url: '/7' });
    expect((await get('/', `nobody.${baseDomain}`)).status).toBe(404);
    expect((await get('/', `kim.${baseDomain.replace('.', 'x')}`)).body).not.toContain('page of');
  });

  it('answers with pages of its own, with headers that forbid what they do not need', async () => {
    await bench.proxy.publish([await route(7, 'quiet', silent)]);
    for (const [urlPath, status, text] of [
      ['/', 200, '<!doctype html>'],
      ['/8', 404, 'There is no hosting'],
      ['/anything', 404, 'There is no hosting'],
      ['/7', 502, 'does not answer'],
    ] as const) {
      const answer = await get(urlPath);
      expect(answer).toMatchObject({ status, body: expect.stringContaining(text) as string });
      expect(answer.headers).toMatchObject({
        'content-type': 'text/html',
        'x-content-type-options': 'nosniff',
        'content-security-policy': expect.stringContaining("default-src 'none'") as string,
      });
    }
    expect((await get('/_webhoster/not-found.html')).status).toBe(404);
  });

  it('passes the bytes of SSH both ways, to the VM that the port belongs to', async () => {
    const routes = [await route(1, 'ana', ana), await route(2, 'kim', kim)];
    await bench.proxy.publish(routes);
    for (const [index, ip] of [ana, kim].entries()) {
      const session = converse(routes[index]!.sshPort);
      await session.until(`SSH-2.0-${ip}\r\n`);
      session.socket.write('hello\0there');
      await session.until('hello\0there');
      session.socket.destroy();
    }
  });

  it('keeps an SSH session through later publishes, and takes the port of a closed route back', async () => {
    const [one, two] = [await route(1, 'ana', ana), await route(2, 'kim', kim)];
    await bench.proxy.publish([one, two]);
    const session = converse(one.sshPort);
    await session.until('SSH-2.0');
    await bench.proxy.publish([two]);
    session.socket.write('still here');
    await session.until('still here');
    session.socket.destroy();
    const closed = await new Promise<string>((resolve) => {
      const knock = connect(one.sshPort, '127.0.0.1');
      knock.on('connect', () => {
        resolve('open');
      });
      knock.on('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? '');
      });
    });
    expect(closed).toBe('ECONNREFUSED');
  });

  it('does not reload when nothing has changed', async () => {
    const routes = [await route(1, 'ana', ana)];
    await bench.proxy.publish(routes);
    const before = workers();
    await bench.proxy.publish(routes);
    await bench.again().publish(routes);
    expect(workers()).toEqual(before);
  });

  it.each([
    ['emptied', () => ''],
    ['broken in the middle', (text: string) => text.replace('http {', 'http { broken_directive on;')],
    ['gone on with at its end', (text: string) => `${text}\nevil on;\n`],
  ])('mends a configuration that was %s by hand', async (_, damage) => {
    const routes = [await route(1, 'ana', ana)];
    await bench.proxy.publish(routes);
    const good = configuration();
    writeFileSync(path.join(bench.dir, 'nginx.conf'), damage(good));
    await bench.proxy.publish(routes);
    expect(configuration()).toBe(good);
    expect(await bench.proxy.fetch('/1')).toContain('page of');
  });

  it('brings back a page of its own that was lost, with the next publish', async () => {
    const routes = [await route(1, 'ana', ana)];
    await bench.proxy.publish(routes);
    writeFileSync(path.join(bench.dir, 'pages/_webhoster/not-found.html'), 'of an older version');
    await bench.proxy.publish(routes);
    expect(await bench.proxy.fetch('/2')).toContain('There is no hosting');
  });

  it.each<[string, () => void]>([
    ['was ended', () => process.kill(masterPid(), 'SIGTERM')],
    [
      'was killed with all of its workers',
      () => {
        for (const pid of workers()) process.kill(pid, 'SIGKILL');
      },
    ],
    // its workers live on and hold every port
    ['was killed and left its workers', () => process.kill(masterPid(), 'SIGKILL')],
  ])(
    'is started again when it %s',
    async (_, end) => {
      const one = await route(1, 'ana', ana);
      await bench.proxy.publish([one]);
      end();
      await delay(300);
      await bench.proxy.publish([one, await route(2, 'kim', kim)]);
      expect(await bench.proxy.fetch('/2')).toContain(`page of ${kim}`);
      expect(await bench.proxy.fetch('/1')).toContain(`page of ${ana}`);
      await bench.proxy.publish([one]);
      expect(await bench.proxy.fetch('/2')).toContain('There is no hosting');
    },
    30_000,
  );

  it('is started again with the same routes as well', async () => {
    const routes = [await route(1, 'ana', ana)];
    await bench.proxy.publish(routes);
    await bench.stop();
    await bench.proxy.publish(routes);
    expect(await bench.proxy.fetch('/1')).toContain('page of');
  });

  it('serves on as before when a port of the new configuration is taken by somebody else', async () => {
    const one = await route(1, 'ana', ana);
    // time runs ten times as fast: a reload that does not come is given up after one second, not ten
    const start = Date.now();
    const proxy = bench.again({
      clock: { now: () => new Date(start + (Date.now() - start) * 10), sleep: (ms) => systemClock.sleep(ms) },
    });
    await proxy.publish([one]);
    const good = configuration();
    const somebody = createServer().listen(0, '0.0.0.0');
    try {
      await new Promise((resolve) => somebody.once('listening', resolve));
      const taken = { ...(await route(2, 'kim', kim)), sshPort: (somebody.address() as AddressInfo).port };
      await expect(proxy.publish([one, taken])).rejects.toMatchObject({
        code: 'proxy_unreachable',
        retryable: true,
      });
      expect(configuration()).toBe(good);
      expect(await proxy.fetch('/1')).toContain('page of');
      expect(await proxy.fetch('/2')).toContain('There is no hosting');
    } finally {
      await new Promise((resolve) => somebody.close(resolve));
    }
    await bench.proxy.publish([one, await route(3, 'kim', kim)]);
    expect(await proxy.fetch('/3')).toContain('page of');
  }, 30_000);

  it('refuses a route that is none before it touches anything', async () => {
    const one = await route(1, 'ana', ana);
    await bench.proxy.publish([one]);
    const good = configuration();
    await expect(bench.proxy.publish([{ ...one, username: 'a; evil on' }])).rejects.toThrow('does not fit');
    expect(configuration()).toBe(good);
  });

  it('stops with nothing left of it, and stopping it again is a success', async () => {
    await bench.proxy.publish([await route(1, 'ana', ana)]);
    expect(workers().length).toBeGreaterThan(1);
    await bench.stop();
    for (let tries = 0; workers().length > 0 && tries < 300; tries++) await delay(10);
    expect(workers()).toEqual([]);
    await expect(bench.proxy.fetch('/1')).rejects.toMatchObject({ code: 'proxy_unreachable' });
    await expect(bench.stop()).resolves.toBeUndefined();
  });
});
