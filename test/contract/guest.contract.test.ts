/**
 * What a VM shows to the outside: probed over the network, and the fake that tests of operations use.
 *
 * Ports 80 and 22 of this machine may be taken, so the probes' connections are led to free ports of 127.0.0.x.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Server as SshServer, utils } from 'ssh2';
import type { Guest } from '../../engine/machine/guest/guest';
import { networkGuest } from '../../engine/machine/guest/network-guest';
import { FakeHost } from '../fakes/fake-host';

const [up, silent] = ['127.0.0.2', '127.0.0.3'] as const;
const marker = 'name="vm-webhoster" content="vm-1a2b3c4d"';

interface Bench {
  readonly guest: Guest;
  close(): Promise<void>;
}

interface RealBench extends Bench {
  /** The public part of the guest's SSH host key. */
  readonly hostKey: string;
  /** Takes the place of the guest's web server. */
  answer(by: (socket: Socket) => void): void;
}

async function realBench(): Promise<RealBench> {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-ctr-'));
  const sockets = new Set<Socket>();
  let answer = (socket: Socket): void => {
    socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<meta ${marker}>`);
  };
  const web = createServer((socket) => {
    socket.on('error', () => undefined);
    sockets.add(socket);
    socket.once('data', () => {
      answer(socket);
    });
  });
  const keys = utils.generateKeyPairSync('ed25519');
  const ssh = new SshServer({ hostKeys: [keys.private] }, (client) => client.on('error', () => undefined));
  const [httpPort, sshPort] = [await listen(web), await listen(ssh as unknown as Server)];
  const get = http.get;
  jest
    .spyOn(http, 'get')
    .mockImplementation(((options: http.RequestOptions, listener: (response: http.IncomingMessage) => void) =>
      get({ ...options, port: httpPort }, listener)) as typeof http.get);
  const keyscan = path.join(dir, 'ssh-keyscan');
  writeFileSync(keyscan, `#!/bin/sh\nPATH=\${PATH#*:}\nexec ssh-keyscan -p ${sshPort} "$@"\n`);
  chmodSync(keyscan, 0o755);
  const before = process.env.PATH;
  process.env.PATH = `${dir}:${before ?? ''}`;
  return {
    guest: networkGuest,
    hostKey: keys.public.split(' ').slice(0, 2).join(' '),
    answer: (by) => {
      answer = by;
    },
    close: async () => {
      process.env.PATH = before;
      for (const socket of sockets) socket.destroy();
      await Promise.all([web, ssh].map((server) => new Promise((resolve) => server.close(resolve))));
      rmSync(dir, { recursive: true });
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, up, () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function fakeBench(): Promise<Bench> {
  const host = new FakeHost();
  host.pages.set(up, `<meta ${marker}>`);
  return Promise.resolve({ guest: host.guest, close: () => Promise.resolve() });
}

describe.each<[string, () => Promise<Bench>]>([
  ['a guest on the network', realBench],
  ['the fake guest', fakeBench],
])('%s', (_, open) => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await open();
  });
  afterEach(() => bench.close());

  it('a guest is recognized by the marker in its page, and by no other', async () => {
    expect(await bench.guest.servesPage(up, marker)).toBe(true);
    expect(await bench.guest.servesPage(up, marker.replace('vm-1a2b3c4d', 'vm-1a2b3c4e'))).toBe(false);
  });

  it('a guest shows its SSH host keys, each with type and key', async () => {
    const keys = await bench.guest.sshHostKeys(up);
    expect(keys).toEqual([expect.stringMatching(/^ssh-ed25519 [A-Za-z0-9+/]+={0,2}$/)]);
  });

  it('a guest that does not answer serves no page and shows no keys, without an error', async () => {
    expect(await bench.guest.servesPage(silent, marker)).toBe(false);
    expect(await bench.guest.sshHostKeys(silent)).toEqual([]);
  });
});

describe('a guest on the network', () => {
  let bench: RealBench;
  beforeEach(async () => {
    bench = await realBench();
  });
  afterEach(() => bench.close());

  it('a guest on the network shows exactly the host key that it has', async () => {
    expect(await bench.guest.sshHostKeys(up)).toEqual([bench.hostKey]);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => undefined],
    ['hangs up', (socket) => socket.destroy()],
    ['speaks no HTTP', (socket) => socket.end('SSH-2.0-x\r\n')],
    ['has nothing but a beginning', (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n<meta ')],
  ])('a guest that %s is given up after a moment', async (_, answer) => {
    bench.answer(answer);
    const begun = performance.now();
    expect(await bench.guest.servesPage(up, marker)).toBe(false);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  it('a guest counts as up as soon as its kernel refuses a connection, and not while nothing answers', async () => {
    expect(await networkGuest.answers(silent)).toBe(true);
    // a name that nobody has (RFC 2606)
    expect(await networkGuest.answers('nobody.invalid')).toBe(false);
  });

  // its user may make it so: it must not hold a worker for ever
  it('a guest that sends a byte now and then is given up as well', async () => {
    bench.answer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
      const drip = setInterval(() => socket.write('.'), 300);
      socket.on('close', () => {
        clearInterval(drip);
      });
    });
    const begun = performance.now();
    expect(await bench.guest.servesPage(up, marker)).toBe(false);
    expect(performance.now() - begun).toBeLessThan(8_000);
  });

  it('a guest’s endless page is read no further than the marker can be', async () => {
    let sent = 0;
    bench.answer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<meta ${marker}>`);
      const flood = (): void => {
        if (!socket.destroyed) sent += 65_536;
        if (!socket.destroyed && socket.write('x'.repeat(65_536))) setImmediate(flood);
      };
      socket.on('drain', flood);
      flood();
    });
    expect(await bench.guest.servesPage(up, marker)).toBe(true);
    expect(sent).toBeLessThan(64 * 2 ** 20);
  });
});
