/** Doors behind a real Nginx: what a visitor of a hosting that sleeps sees, and what the doors learn of the visitor. */
import { statSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Doors, doors } from '../../engine/sleep/doors/doors';
import type { Finder } from '../../engine/sleep/doors/finder';
import type { FoundRoute } from '../../engine/store/routes';
import { pageDoor } from '../../engine/sleep/doors/page-door';
import { sshDoor } from '../../engine/sleep/doors/ssh-door';
import type { Waker, Woken } from '../../engine/sleep/doors/waker';
import { nginxUser } from '../../engine/machine/nginx/control';
import type { Route } from '../../engine/machine/nginx/proxy';
import { plainSite } from '../../engine/machine/nginx/site';
import { nginxTraffic } from '../../engine/machine/nginx/nginx-traffic';
import { freePort } from '../support/postgres';
import { type Answer, askAt, type Asked } from './support/ask';
import { ana, baseDomain, kim, type RealBench, realBench, route } from './support/proxies';

// a busy machine takes its time
const asleep = '1a2b3c4d-0000-4000-8000-000000000000';
const site = { ...plainSite, domains: [{ name: 'ana.example.net', ip: ana }] };
const html = { accept: 'text/html,application/xhtml+xml;q=0.9' };

let bench: RealBench;
let open: Doors;
let sleeping: Route;
let awake: Route;
/** Who was asked to be woken, and what the door of pages was asked for. */
let asked: (string | number)[];
let urls: string[];
let wakes: (woken: Woken) => void;
/** Whom Nginx has not read of, and where their machine is. */
let newcomers: Record<string, FoundRoute>;

beforeEach(async () => {
  process.umask(0o077);
  bench = await realBench();
  asked = [];
  newcomers = {};
  urls = [];
  const woken = new Promise<Woken>((resolve) => (wakes = resolve));
  const note = (which: string | number): Promise<Woken> => {
    asked.push(which);
    return woken;
  };
  const waker: Waker = { wake: note, wakePort: note };
  open = doors({
    nginxDir: bench.dir,
    user: nginxUser(),
    servers: {
      page: () => {
        const pages = { waking: '<p>waking up</p>', failed: '<p>cannot be woken</p>' };
        const find: Finder = (by, value) => Promise.resolve(newcomers[`${by} ${value}`] ?? null);
        const server = pageDoor({ waker, find, pages, patienceMs: 2_000 });
        return server.on('request', ({ url, headers }: http.IncomingMessage) => {
          urls.push(`${url ?? ''} ${Object.keys(headers).sort().join(' ')}`);
        });
      },
      ssh: () => sshDoor({ waker, port: bench.sshPort, wakeMs: 2_000 }),
    },
  });
  await open.open();
  sleeping = { ...(await route(7, 'ana', ana)), asleep };
  awake = await route(8, 'kim', kim);
  await bench.again({ countsVisits: true, site }).publish([sleeping, awake]);
});
afterEach(async () => {
  open.close();
  await bench.close();
});

const call = (urlPath: string, asked: Asked = {}): Promise<Answer> => askAt(bench.httpPort, urlPath, asked);

/** @param at  a port of this machine, or a socket's file */
function converse(at: number | string, first?: string) {
  let said = '';
  let ended = false;
  const target = typeof at === 'string' ? { path: at } : { port: at, host: '127.0.0.1' };
  const socket = connect(target, () => void (first !== undefined && socket.write(first)));
  socket.on('error', () => undefined).on('close', () => (ended = true));
  socket.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const until = async (what: () => boolean): Promise<void> => {
    for (let tries = 0; !what(); tries++) {
      if (tries > 500) throw new Error(`heard ${JSON.stringify(said)}`);
      await delay(10);
    }
  };
  return { socket, until, said: () => said, ended: () => ended };
}

it('the page door shows a browser a page that reloads itself, and wakes the right hosting', async () => {
  const answer = await call('/7/secret?x=secret', {
    headers: { ...html, cookie: 'secret', authorization: 'x' },
  });
  expect(answer).toMatchObject({ status: 503, body: '<p>waking up</p>' });
  expect(answer.headers).toMatchObject({
    'retry-after': '2',
    'cache-control': 'no-store',
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  expect(asked).toEqual([asleep]);
  expect(urls).toEqual([`/wake/${asleep} accept connection host`]);
  expect((await call('/8/', { headers: html })).body).toContain(`page of ${kim}`);
  expect(asked).toEqual([asleep]);
});

it.each<[string, Asked & { at: string; sees: object }]>([
  ['path', { at: '/7/a/b?x=1', sees: { url: '/a/b?x=1', prefix: '/7' } }],
  ['path alone', { at: '/7', sees: { url: '/', prefix: '/7' } }],
  ['domain of its own', { at: '/a?x=1', host: 'ana.example.net', sees: { url: '/a?x=1', prefix: '' } }],
  ['host name', { at: '/a?x=1', host: `ana.${baseDomain}`, sees: { url: '/a?x=1', prefix: '' } }],
])(
  'the page door holds a request of any other client until the VM is awake, then forwards it, by %s',
  async (_, { at, sees, ...how }) => {
    const body = 'x'.repeat(100_000);
    const answering = call(at, { ...how, method: 'POST', body });
    while (asked.length === 0) await delay(10);
    wakes({ ip: ana });
    const answer = await answering;
    expect(answer.body).toContain(`page of ${ana}`);
    const guest = JSON.parse(answer.body.slice(answer.body.indexOf('{'))) as Record<string, string>;
    expect(guest).toMatchObject({ ...sees, method: 'POST', from: '127.0.0.1' });
    expect(guest.sent === body).toBe(true);
    expect(answer.headers).not.toHaveProperty('x-accel-redirect');
    expect(answer.status).toBe(200);
  },
);

it('the page door forwards a browser, too, if the VM is awake by now', async () => {
  wakes({ ip: ana });
  expect((await call('/7/', { headers: html })).body).toContain(`page of ${ana}`);
});

it('the page door tells a client that has waited long enough to retry, and says if the VM cannot be woken', async () => {
  expect(await call('/7')).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
  wakes('failed');
  expect(await call('/7')).toMatchObject({ status: 503, headers: { 'retry-after': '15' } });
  expect((await call('/7/', { headers: html })).body).toBe('<p>cannot be woken</p>');
});

it('Nginx has a page while no worker is behind the doors, and the doors can be opened again', async () => {
  open.close();
  expect(await call('/7/', { headers: html })).toMatchObject({
    status: 502,
    body: expect.stringContaining('is not responding') as string,
  });
  await open.open();
  await open.open();
  expect((await call('/7/', { headers: html })).status).toBe(503);
});

it('only Nginx can reach the sockets of the doors', () => {
  for (const name of ['page', 'ssh']) {
    const { mode, uid, gid } = statSync(path.join(bench.dir, 'doors', `${name}.sock`));
    expect([mode & 0o777, uid, gid]).toEqual(
      nginxUser() === null ? [0o600, uid, gid] : [0o660, 0, expect.any(Number)],
    );
    if (nginxUser() !== null) expect(gid).not.toBe(0);
  }
});

it('the SSH door holds a session until its VM is awake, then forwards every byte both ways', async () => {
  const session = converse(sleeping.sshPort, 'SSH-2.0-client\r\n');
  await session.until(() => asked.length > 0);
  expect(asked).toEqual([sleeping.sshPort]);
  await delay(100);
  expect(session.said()).toBe('');
  session.socket.write('before\0');
  wakes({ ip: ana });
  await session.until(() => session.said() === `SSH-2.0-${ana}\r\nSSH-2.0-client\r\nbefore\0`);
  session.socket.write('after');
  await session.until(() => session.said().endsWith('after'));
  session.socket.end();
  await session.until(session.ended);
});

it('the SSH door loses nothing of a client whose first bytes arrive with the PROXY line', async () => {
  const line = `PROXY TCP4 127.0.0.1 127.0.0.1 40000 ${sleeping.sshPort}\r\n`;
  const session = converse(path.join(bench.dir, 'doors', 'ssh.sock'), `${line}SSH-2.0-client\r\n`);
  await session.until(() => asked.length > 0);
  session.socket.write('before');
  // it must be kept, and not only be under way
  await delay(100);
  wakes({ ip: ana });
  await session.until(() => session.said() === `SSH-2.0-${ana}\r\nSSH-2.0-client\r\nbefore`);
  session.socket.destroy();
});

it('the SSH door wakes a VM for a client that waits for the server’s greeting, and not for a port scan', async () => {
  const knock = converse(sleeping.sshPort);
  await delay(300);
  knock.socket.destroy();
  const other = converse(sleeping.sshPort, 'GET / HTTP/1.1\r\n\r\n');
  await other.until(other.ended);
  await delay(2_200);
  expect(asked).toEqual([]);
  const silent = converse(sleeping.sshPort);
  await silent.until(() => asked.length > 0);
  wakes({ ip: ana });
  await silent.until(() => silent.said() === `SSH-2.0-${ana}\r\n`);
  silent.socket.destroy();
});

it('the SSH door ends sessions whose VM cannot be woken, and only a few may wait', async () => {
  const sessions = Array.from({ length: 10 }, () => converse(sleeping.sshPort, 'SSH-2.0-client\r\n'));
  await sessions[0]!.until(() => sessions.filter((each) => each.ended()).length === 2);
  wakes('failed');
  await sessions[0]!.until(() => sessions.every((each) => each.ended()));
  expect(asked).toHaveLength(8);
});

it('visits are written to the log when they end, by VM; the door’s own answers are none', async () => {
  const traffic = nginxTraffic(bench.dir);
  expect([...(await traffic.visits())]).toEqual([]);
  await call('/7/', { headers: html });
  await delay(1_500);
  expect([...(await traffic.visits())]).toEqual([]);
  const begun = Date.now();
  await call('/8');
  const session = converse(awake.sshPort, 'SSH-2.0-client\r\n');
  await session.until(() => session.said() !== '');
  const visits = async (): Promise<number> => {
    for (let tries = 0; tries < 300; tries++) {
      const at = (await traffic.visits()).get(kim);
      if (at !== undefined) return at;
      await delay(10);
    }
    throw new Error('no visit');
  };
  const first = await visits();
  expect([first >= begun - 5, first <= Date.now()]).toEqual([true, true]);
  await delay(50);
  const ending = Date.now();
  session.socket.destroy();
  expect(await visits()).toBeGreaterThanOrEqual(ending - 5);
});

describe('whom Nginx has not read of yet', () => {
  let waitingPort: number;
  beforeEach(async () => {
    waitingPort = await freePort();
    const spared = { ...site, waitingPorts: [waitingPort] };
    await bench.again({ countsVisits: true, findsNew: true, site: spared }).publish([sleeping, awake]);
    const mina = { ip: kim, username: 'mina' };
    newcomers = { 'id 9': mina, 'name mina': mina };
  });

  it.each<[string, Asked & { at: string; sees: object }]>([
    ['path', { at: '/9/a/b?x=1', sees: { url: '/a/b?x=1', prefix: '/9' } }],
    ['path alone', { at: '/9', sees: { url: '/', prefix: '/9' } }],
    ['host name', { at: '/a?x=1', host: `mina.${baseDomain}`, sees: { url: '/a?x=1', prefix: '' } }],
  ])(
    'a hosting that Nginx does not know yet is found by %s, and receives the whole request',
    async (_, { at, sees, ...how }) => {
      const body = 'x'.repeat(100_000);
      const headers = { cookie: 'secret', authorization: 'secret' };
      const answer = await call(at, { ...how, method: 'POST', body, headers });
      expect([answer.status, answer.body]).toEqual([200, expect.stringContaining(`page of ${kim}`)]);
      const guest = JSON.parse(answer.body.slice(answer.body.indexOf('{'))) as Record<string, string>;
      expect(guest).toMatchObject({ ...sees, method: 'POST', from: '127.0.0.1' });
      expect(guest.sent === body).toBe(true);
      for (const header of ['x-accel-redirect', 'x-vm', 'x-name'])
        expect(answer.headers).not.toHaveProperty(header);
      // the door has learned who is looked for, and nothing else
      expect(urls).toEqual([expect.stringMatching(/^\/find\/(id\/9|name\/mina) connection host$/)]);
    },
  );

  it('a browser is redirected to the host name of a hosting that Nginx does not know yet', async () => {
    const headers = { accept: 'text/html' };
    const answer = await call('/9/a?x=1', { host: baseDomain, headers });
    expect([answer.status, answer.headers.location]).toEqual([307, `http://mina.${baseDomain}/a?x=1`]);
    expect((await call('/9/a', { host: baseDomain })).body).toContain(`page of ${kim}`);
  });

  it('a hosting that Nginx does not know yet gets no service worker for the whole origin, and redirects to its slash', async () => {
    const worker = { 'service-worker': 'script' };
    for (const at of ['/9', '/9?x=1', '/8', '/8?x=1', '/7'])
      expect([at, (await call(at, { headers: worker })).status]).toEqual([at, 404]);
    expect([urls, asked]).toEqual([[], []]);
    expect((await call('/9/sw.js', { headers: worker })).body).toContain(`page of ${kim}`);
    for (const [at, to] of [
      ['/9', '/9/'],
      ['/9?x=1', '/9/?x=1'],
      ['/8?x=1', '/8/?x=1'],
    ] as const)
      expect(await call(at, { headers: html })).toMatchObject({ status: 302, headers: { location: to } });
  });

  it('an unknown hosting is a 404, also while no worker is behind the door', async () => {
    for (const again of [false, true]) {
      for (const [at, host] of [
        ['/10', 'localhost'],
        ['/', `nobody.${baseDomain}`],
      ] as const) {
        const { status, body } = await call(at, { host });
        expect([again, at, status, body]).toEqual([again, at, 404, expect.stringContaining('<html')]);
      }
      open.close();
    }
    // whom Nginx knows is served without the door
    expect((await call('/8')).body).toContain(`page of ${kim}`);
  });

  it('headers of a visitor cannot choose the VM', async () => {
    const headers = { 'x-vm': kim, 'x-accel-redirect': '@found' };
    expect((await call('/10', { headers })).status).toBe(404);
    expect((await call('/find/id/9')).status).toBe(404);
  });

  it.each(['@found', '@awake', '@door', '@find', '/9/', '/_webhoster/index.html'])(
    'Nginx does not follow a VM’s X-Accel-Redirect to %s',
    async (where) => {
      const said = { 'x-accel-redirect': where, 'x-vm': ana };
      const headers = { 'x-answer-with': JSON.stringify(said) };
      await bench.again({ findsNew: true, site }).publish([sleeping, awake]);
      for (const host of ['localhost', `kim.${baseDomain}`]) {
        const answer = await call('/8/mine', { host, headers });
        expect(answer.body).toContain(`page of ${kim}`);
        expect(answer.headers).not.toHaveProperty('x-accel-redirect');
      }
      expect([asked, urls]).toEqual([[], []]);
    },
  );

  it('the SSH door hangs up on the port of a spare without an owner', async () => {
    const early = converse(waitingPort, 'SSH-2.0-client\r\n');
    await early.until(() => asked.length > 0);
    expect(asked).toEqual([waitingPort]);
    wakes('gone');
    await early.until(early.ended);
    expect(early.said()).toBe('');
  });

  it('the SSH door connects the port of a claimed spare before Nginx knows it', async () => {
    wakes({ ip: kim });
    const session = converse(waitingPort, 'SSH-2.0-client\r\n');
    await session.until(() => session.said().includes(`SSH-2.0-${kim}`));
    session.socket.destroy();
  });
});
