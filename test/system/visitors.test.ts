/**
 * What visitors do to a real guest, debian-13, through a real Nginx: strangers who cannot log in do not keep the owner
 * out, the guest knows who visits, and what its web server does or does not do is told truly.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openShell, type Shell } from '../support/shell';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';

jest.setTimeout(600_000);
const stranger = '127.0.0.66';
const answerSeconds = 4;

let system: System;
let account: Account;
let made: HostAnswer;
let shell: Shell;
beforeAll(async () => {
  system = await startSystem('debian-13', { ANSWER_TIMEOUT_SECONDS: String(answerSeconds) });
  account = await system.newAccount();
  const answer = await system.call('POST', '/host', {
    token: account.token,
    body: {},
    headers: { prefer: 'wait=400' },
  });
  made = answer.body.data;
  shell = openShell(made);
});
afterAll(async () => {
  shell.close();
  await system.close();
});

/** An emulated guest on a busy machine is slow; only one that refuses shuts anybody out. */
async function owner(command: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await shell.ssh(command);
    } catch (error) {
      if (tries === 6 || /closed|reset|refused|denied/i.test(String(error))) throw error;
    }
  }
}

interface Page {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function get(urlPath: string, from = '127.0.0.1', headers: Record<string, string> = {}): Promise<Page> {
  return new Promise((resolve, reject) => {
    const at = { host: '127.0.0.1', port: Number(system.env.HTTP_PORT), path: urlPath, localAddress: from };
    http
      .get({ ...at, agent: false, headers: { host: 'localhost', ...headers } }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      })
      .on('error', reject);
  });
}

/** @returns what ssh says of a login that must fail */
function failToLogIn(key: string): Promise<string> {
  const options = [
    ...['BatchMode=yes', 'IdentitiesOnly=yes', 'StrictHostKeyChecking=no', 'ConnectTimeout=60'],
    // what both sides would choose takes an emulated guest seconds
    'KexAlgorithms=curve25519-sha256',
  ];
  const port = String(made.hosting.ssh_port);
  const args = [
    '-b',
    stranger,
    '-F',
    '/dev/null',
    '-i',
    key,
    '-p',
    port,
    '-o',
    'UserKnownHostsFile=/dev/null',
  ];
  return new Promise((resolve) => {
    const all = [...args, ...options.flatMap((each) => ['-o', each]), 'ubuntu@127.0.0.1', 'true'];
    execFile('ssh', all, (_error, _stdout, stderr) => {
      resolve(stderr);
    });
  });
}

it('lets the owner in after 30 failed logins from elsewhere, and while a stranger takes all that one can have', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-stranger-'));
  const held: Socket[] = [];
  try {
    const key = path.join(dir, 'key');
    await new Promise((resolve) =>
      execFile('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key], resolve),
    );
    for (let round = 0; round < 6; round++) {
      const said = await Promise.all(Array.from({ length: 5 }, () => failToLogIn(key)));
      for (const each of said) expect(each).toContain('Permission denied (publickey)');
    }
    expect(await owner('id -un')).toBe('ubuntu\n');
    for (let count = 0; count < 40; count++)
      held.push(
        connect({ port: made.hosting.ssh_port, host: '127.0.0.1', localAddress: stranger }).on(
          'error',
          () => undefined,
        ),
      );
    await until(30_000, 'Nginx has refused most of them', () =>
      Promise.resolve(held.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length >= 20),
    );
    // each of these is a connection of its own, and none may be one that a full guest drops
    for (let count = 0; count < 5; count++) expect(await owner('id -un')).toBe('ubuntu\n');
  } finally {
    for (const socket of held) socket.destroy();
    rmSync(dir, { recursive: true, force: true });
  }
});

it('writes down in the guest who visits, not who says so, and the path as it was sent', async () => {
  await get(`/${account.userId}/a%2Fb//c?x=%20`, '127.0.0.77', { 'x-real-ip': '192.0.2.1' });
  const log = await owner('sudo tail -n 1 /var/log/nginx/access.log');
  expect(log).toMatch(/^127\.0\.0\.77 /);
  expect(log).toContain('"GET /a%2Fb//c?x=%20 HTTP/1.1"');
});

it('leads by the guest’s own redirect back into the hosting', async () => {
  await owner('mkdir -p /var/www/html/blog && echo posts > /var/www/html/blog/index.html');
  const { status, headers } = await get(`/${account.userId}/blog`, '127.0.0.1', {
    host: `localhost:${system.env.HTTP_PORT}`,
  });
  expect([status, headers.location]).toEqual([
    301,
    `http://localhost:${system.env.HTTP_PORT}/${account.userId}/blog/`,
  ]);
  expect((await get(`/${account.userId}/blog/`)).body).toBe('posts\n');
});

it('has rsync', async () => {
  expect(await owner('rsync --version')).toContain('protocol version');
});

it('tells a web server that hangs from one that does not run, and both from a VM that is off', async () => {
  const url = `/${account.userId}/`;
  await owner('sudo systemctl kill --signal=STOP nginx');
  const begun = performance.now();
  const silent = await get(url);
  expect([silent.status, silent.body]).toEqual([
    504,
    expect.stringContaining('web server is not responding'),
  ]);
  expect((performance.now() - begun) / 1000).toBeLessThan(answerSeconds + 10);
  await owner('sudo systemctl kill --signal=CONT nginx');
  expect((await get(url)).status).toBe(200);

  await owner('sudo systemctl stop nginx');
  const stopped = await get(url);
  expect([stopped.status, stopped.body]).toEqual([502, expect.stringContaining('This VM is not responding')]);

  await system.virsh('destroy', made.hosting.vm_id);
  const off = await get(url);
  expect(off.body).toContain('This VM is not responding');
  expect([502, 504]).toContain(off.status);
});
