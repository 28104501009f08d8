/** What only a real Nginx can show: what it serves, and that nothing brings it down for long. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { drainingWorkers, endOldest } from '../../engine/machine/nginx/draining';
import { defaultLimits } from '../../engine/machine/nginx/proxy-settings';
import { plainSite } from '../../engine/machine/nginx/site';
import { type Answer, askAt } from './support/ask';
import {
  ana,
  baseDomain,
  kill,
  kim,
  nginxProcesses,
  type RealBench,
  realBench,
  route,
  silent,
} from './support/proxies';

describe('Nginx', () => {
  let bench: RealBench;
  beforeEach(async () => {
    // as the engine runs
    process.umask(0o077);
    bench = await realBench();
  });
  afterEach(async () => {
    await bench.close();
  });

  const get = (urlPath: string, host = 'localhost'): Promise<Answer> =>
    askAt(bench.httpPort, urlPath, { host });

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

  /** The master and its workers. */
  const processes = (): number[] => nginxProcesses(path.dirname(bench.dir)).sort();
  const masterPid = (): number => Number(readFileSync(path.join(bench.dir, 'nginx.pid'), 'utf8'));
  const configuration = (): string => readFileSync(path.join(bench.dir, 'nginx.conf'), 'utf8');

  it('a guest sees its own root, without the number in front of it', async () => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    expect(asked(await get('/7'))).toMatchObject({ url: '/', prefix: '/7', from: '127.0.0.1' });
    expect(asked(await get('/7/'))).toMatchObject({ url: '/' });
    expect(asked(await get('/7/a/b.html?x=1&y=2'))).toMatchObject({ url: '/a/b.html?x=1&y=2', prefix: '/7' });
    expect((await get('/07')).status).toBe(404);
    expect((await get('/7a')).status).toBe(404);
  });

  it('Nginx serves a hosting by host name as an origin of its own', async () => {
    await bench.proxy.publish([await route(7, 'ana', ana), await route(8, 'kim', kim)]);
    const answer = await get('/a?x=1', `kim.${baseDomain}`);
    expect(answer.body).toContain(`page of ${kim}`);
    expect(asked(answer)).toMatchObject({ url: '/a?x=1', host: `kim.${baseDomain}`, prefix: '' });
    // there a number is a path like any other
    expect(asked(await get('/7', `kim.${baseDomain}`))).toMatchObject({ url: '/7' });
    expect((await get('/', `nobody.${baseDomain}`)).status).toBe(404);
    expect((await get('/', `kim.${baseDomain.replace('.', 'x')}`)).body).not.toContain('page of');
  });

  it('Nginx’s own pages have headers that forbid what they do not need', async () => {
    await bench.proxy.publish([await route(7, 'quiet', silent)]);
    for (const [urlPath, status, text] of [
      ['/8', 404, 'There is no hosting'],
      ['/anything', 404, 'There is no hosting'],
      ['/7', 502, 'is not responding'],
    ] as const) {
      const answer = await get(urlPath);
      expect(answer).toMatchObject({ status, body: expect.stringContaining(text) as string });
      expect(answer.headers).toMatchObject({
        'content-type': 'text/html',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'content-security-policy': expect.stringContaining("default-src 'none'") as string,
      });
    }
    expect((await get('/_webhoster/not-found.html')).status).toBe(404);
  });

  it('SSH bytes pass both ways to the VM that the port belongs to', async () => {
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

  it('an SSH session survives later publishes, and the port of a closed route is released', async () => {
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

  // old workers accept for a while beside the new ones
  it('once publish returns, no request is answered by the old routes', async () => {
    const one = await route(1, 'ana', ana);
    for (const ip of [ana, kim, ana, kim]) {
      await bench.proxy.publish([{ ...one, ip }]);
      for (let count = 0; count < 20; count++) expect((await get('/1')).body).toContain(`page of ${ip}`);
    }
  });

  it('a publish without a change does not reload Nginx', async () => {
    const routes = [await route(1, 'ana', ana)];
    await bench.proxy.publish(routes);
    const before = processes();
    await bench.proxy.publish(routes);
    await bench.again().publish(routes);
    expect(processes()).toEqual(before);
  });

  it.each([
    ['emptied', () => ''],
    ['broken in the middle', (text: string) => text.replace('http {', 'http { broken_directive on;')],
    ['gone on with at its end', (text: string) => `${text}\nevil on;\n`],
  ])('a publish repairs a configuration that was %s by hand', async (_, damage) => {
    const routes = [await route(1, 'ana', ana)];
    await bench.proxy.publish(routes);
    const good = configuration();
    writeFileSync(path.join(bench.dir, 'nginx.conf'), damage(good));
    await bench.proxy.publish(routes);
    expect(configuration()).toBe(good);
    expect(await bench.proxy.fetch('/1')).toContain('page of');
  });

  it('the next publish restores one of Nginx’s own pages that was lost', async () => {
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
        for (const pid of processes()) kill(pid, 'SIGKILL');
      },
    ],
    // its workers live on and hold every port
    ['was killed and left its workers', () => process.kill(masterPid(), 'SIGKILL')],
  ])(
    'a publish starts Nginx again after it %s',
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

  it('a publish of the same routes starts a stopped Nginx', async () => {
    const routes = [await route(1, 'ana', ana)];
    await bench.proxy.publish(routes);
    await bench.stop();
    await bench.proxy.publish(routes);
    expect(await bench.proxy.fetch('/1')).toContain('page of');
  });

  describe('when another program holds an SSH port', () => {
    let somebody: Server;
    let taken: number;
    beforeEach(async () => {
      somebody = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => somebody.once('listening', resolve));
      taken = (somebody.address() as AddressInfo).port;
    });
    afterEach(() => new Promise((resolve) => somebody.close(resolve)));
    const me = `node (process ${process.pid})`;

    it.each<[string, () => Promise<unknown>]>([
      ['at the start', () => Promise.resolve()],
      ['at a reload', async () => bench.proxy.publish([await route(9, 'kim', kim)])],
    ])(
      'Nginx serves on without an SSH port that another program holds %s, names it, and opens it once it is free',
      async (_, begin) => {
        await begin();
        const one = await route(1, 'ana', ana);
        const routes = [one, { ...(await route(2, 'kim', kim)), sshPort: taken }];
        const begun = performance.now();
        await bench.proxy.publish(routes);
        expect(performance.now() - begun).toBeLessThan(10_000);
        for (const page of ['/1', '/2']) expect(await bench.proxy.fetch(page)).toContain('page of');
        const session = converse(one.sshPort);
        await session.until('SSH-2.0');
        session.socket.destroy();
        expect(await bench.proxy.heldPorts(routes)).toEqual([{ port: taken, holder: me }]);
        // as much as can be
        expect(await bench.proxy.serves(routes)).toBe(true);

        await new Promise((resolve) => somebody.close(resolve));
        expect(await bench.proxy.serves(routes)).toBe(false);
        await bench.proxy.publish(routes);
        expect(await bench.proxy.heldPorts(routes)).toEqual([]);
        const late = converse(taken);
        await late.until(`SSH-2.0-${kim}`);
        late.socket.destroy();
      },
    );

    it('Nginx serves on without the port of a spare that another program holds', async () => {
      const proxy = bench.again({ site: { ...plainSite, waitingPorts: [taken] } });
      await proxy.publish([await route(1, 'ana', ana)]);
      expect(await proxy.fetch('/1')).toContain('page of');
    });
  });

  describe('what is under way when Nginx is reloaded', () => {
    const titles = (dir: string): number => drainingWorkers(dir).length;
    const ssh = (): string => path.join(bench.dir, 'ssh');
    const open: { destroy: () => void }[] = [];
    afterEach(() => {
      for (const each of open.splice(0)) each.destroy();
    });

    it('a reload ends a WebSocket after a while, and no SSH session', async () => {
      const socketGuest = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
      }).listen(bench.webPort, '127.0.0.5');
      const one = { ...(await route(1, 'ana', '127.0.0.5')), sshPort: (await route(1, 'x', ana)).sshPort };
      const two = await route(2, 'kim', kim);
      const proxy = bench.again({ limits: { ...defaultLimits, drainSeconds: 1 } });
      await proxy.publish([one, two]);
      const session = converse(two.sshPort);
      open.push(session.socket);
      await session.until('SSH-2.0');
      const before = processes().length;
      for (let round = 0; round < 4; round++) {
        for (let count = 0; count < 2; count++) {
          const socket = connect(bench.httpPort, '127.0.0.1').on('error', () => undefined);
          open.push(socket);
          socket.write(
            'GET /1/ HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
          );
          await new Promise((resolve) => socket.once('data', resolve));
        }
        // a page moves, and no port
        await proxy.publish([{ ...one, username: `ana${round}` }, two]);
      }
      expect(titles(bench.dir)).toBeGreaterThan(0);
      expect(titles(ssh())).toBe(0);
      for (let tries = 0; processes().length > before && tries < 400; tries++) await delay(10);
      expect([titles(bench.dir), processes().length]).toEqual([0, before]);
      session.socket.write('still here');
      await session.until('still here');
      socketGuest.close();
    });

    it('reloads end the oldest sessions when there are more generations than are kept, and no others', async () => {
      const one = await route(1, 'ana', ana);
      const sessions: ReturnType<typeof converse>[] = [];
      for (let round = 0; round < 5; round++) {
        await bench.proxy.publish([one, await route(2, 'kim', kim)]);
        sessions.push(converse(one.sshPort));
        open.push(sessions.at(-1)!.socket);
        await sessions.at(-1)!.until('SSH-2.0');
      }
      expect(titles(ssh())).toBe(4);
      endOldest(ssh(), 2);
      for (let tries = 0; titles(ssh()) > 2 && tries < 300; tries++) await delay(10);
      expect(titles(ssh())).toBe(2);
      const alive = await Promise.all(
        sessions.map(async ({ socket, until }) => {
          socket.write('still here');
          return until('still here').then(
            () => true,
            () => false,
          );
        }),
      );
      expect(alive).toEqual([false, false, true, true, true]);
    });
  });

  it('an invalid route is refused before anything is touched', async () => {
    const one = await route(1, 'ana', ana);
    await bench.proxy.publish([one]);
    const good = configuration();
    await expect(bench.proxy.publish([{ ...one, username: 'a; evil on' }])).rejects.toThrow('does not fit');
    expect(configuration()).toBe(good);
  });

  it('stopping Nginx leaves nothing, and stopping it again succeeds', async () => {
    await bench.proxy.publish([await route(1, 'ana', ana)]);
    expect(processes().length).toBeGreaterThan(1);
    await bench.stop();
    for (let tries = 0; processes().length > 0 && tries < 300; tries++) await delay(10);
    expect(processes()).toEqual([]);
    await expect(bench.proxy.fetch('/1')).rejects.toMatchObject({ code: 'proxy_unreachable' });
    await expect(bench.stop()).resolves.toBeUndefined();
  });
});
