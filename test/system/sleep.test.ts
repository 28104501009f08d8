/** Scale to zero on real libvirt and real Nginx: one micro VM that sleeps, is woken by page and by SSH, and goes. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { withoutTraffic } from '../../engine/machine/isolation/host-rules';
import { openShell, type Shell } from '../support/shell';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';

jest.setTimeout(400_000);

const run = promisify(execFile);
const browser = { accept: 'text/html' };
/** Short, so that the test is; long enough for a session to outlast it. */
const idleSeconds = 15;

let system: System;
let account: Account;
let made: HostAnswer;
let shell: Shell;
beforeAll(async () => {
  system = await startSystem('micro', { SLEEP_AFTER_MINUTES: String(idleSeconds / 60) });
  account = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  made = answer.body.data;
  shell = openShell(made);
});
afterAll(async () => {
  shell.close();
  await system.close();
});

const vm = (): string => made.hosting.vm_id;
const saveImage = (): string => `/var/lib/libvirt/qemu/save/${vm()}.save`;

async function stateInLibvirt(): Promise<string> {
  const { stdout } = await run('virsh', [
    '--connect',
    system.env.LIBVIRT_URI ?? 'qemu:///system',
    'list',
    '--all',
    '--managed-save',
  ]);
  const line = stdout.split('\n').find((each) => each.includes(` ${vm()} `)) ?? '';
  return line.trim().split(/\s{2,}/)[2] ?? 'gone';
}

async function status(): Promise<string> {
  const answer = await system.call('GET', '/host/my', { token: account.token });
  return answer.body.data.hosting.status;
}

/** The emulator's resident memory in MiB, 0 when there is none. */
function emulatorMiB(): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`guest=${vm()},`)) continue;
      const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      return Math.round(Number(kib) / 1024);
    } catch {
      // it went meanwhile
    }
  }
  return 0;
}

async function page(
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; retry: string | null }> {
  const answer = await fetch(`${system.web}/${account.userId}`, { headers });
  return { status: answer.status, text: await answer.text(), retry: answer.headers.get('retry-after') };
}

/** What libvirt has put in front of the VM's port, and the host's own rules, without counters and names of ports. */
async function fences(): Promise<{ port: string; filter: string; rules: string }> {
  const bindings = await system.virsh('nwfilter-binding-list');
  const xml = await system.virsh('domiflist', vm());
  const [port = ''] = /vnet\d+/.exec(xml) ?? [];
  const bound = bindings.split('\n').find((line) => line.trim().startsWith(`${port} `)) ?? '';
  const { stdout } = await run('ebtables-save');
  const rules = stdout
    .split('\n')
    .filter((line) => new RegExp(`\\b\\S*${port}\\b`).test(line))
    .map((line) => line.replaceAll(port, 'PORT').replace(/\[\d+:\d+\]/, ''));
  const host = await run('nft', [
    '--stateless',
    'list',
    'table',
    'inet',
    `webhoster_${system.env.NETWORK_BRIDGE ?? ''}`,
  ]);
  const rulesOfHost = withoutTraffic(host.stdout);
  return { port, filter: bound.trim().split(/\s+/)[1] ?? '', rules: [...rules, rulesOfHost].join('\n') };
}

const boot = async (): Promise<{ id: string; uptime: number; clock: number }> => {
  const [id = '', uptime = '', clock = ''] = (
    await shell.ssh('cat /proc/sys/kernel/random/boot_id; cut -d" " -f1 /proc/uptime; date +%s')
  ).split('\n');
  return { id, uptime: Number(uptime), clock: Number(clock) };
};

it('has no spanning tree, which would keep the port of a VM that wakes shut for four seconds', () => {
  const bridge = `/sys/class/net/${system.env.NETWORK_BRIDGE ?? ''}/bridge`;
  expect(readFileSync(`${bridge}/stp_state`, 'utf8').trim()).toBe('0');
});

it('sleeps when nobody comes, wakes for a page and for SSH where it was, and leaves nothing when it goes', async () => {
  await shell.put('<h1>mine</h1>\n', '/var/www/html/index.html');
  await shell.ssh('echo only in memory >/dev/shm/note 2>/dev/null || echo only in memory >/tmp/note');
  const before = await boot();
  const fenced = await fences();
  expect(fenced.filter).toBe(`${system.env.NETWORK_NAME}-guests`);
  expect(fenced.rules).toMatch(/PORT/);
  const memory = emulatorMiB();
  expect(memory).toBeGreaterThan(30);

  // a session that says nothing keeps it awake
  await shell.ssh(`sleep ${idleSeconds + 8}`);
  expect([await status(), await stateInLibvirt()]).toEqual(['running', 'running']);

  // and without one it goes
  const alone = Date.now();
  await until(120_000, 'it sleeps', async () => (await stateInLibvirt()) === 'saved');
  expect(Date.now() - alone).toBeGreaterThan((idleSeconds - 1) * 1000);
  await until(20_000, 'the operation is over', async () => (await system.query(unended)).length === 0);
  expect([await status(), emulatorMiB(), existsSync(saveImage())]).toEqual(['sleeping', 0, true]);

  // nothing that looks at it wakes it, and all of it finds it in order
  expect((await system.tryWebhoster(['plan', vm()])).code).toBe(0);
  expect((await system.tryWebhoster(['doctor'])).code).toBe(0);
  expect([await status(), await stateInLibvirt()]).toEqual(['sleeping', 'saved']);

  // the first visitor sees that it is waking, and then the page
  const knocked = performance.now();
  expect(await page(browser)).toEqual({
    status: 503,
    text: expect.stringContaining('waking up') as string,
    retry: '2',
  });
  await until(60_000, 'the page is back', async () => (await page(browser)).text === '<h1>mine</h1>\n');
  figure('page again, a browser', performance.now() - knocked);
  expect((await fences()).rules).toBe(fenced.rules);
  expect((await fences()).filter).toBe(fenced.filter);
  await expectSameBoot(before);

  // put to sleep by hand; SSH just takes longer, on the doorway's first session as on every later one
  await system.webhoster('sleep', vm(), '--force');
  expect([await status(), await stateInLibvirt(), emulatorMiB()]).toEqual(['sleeping', 'saved', 0]);
  const called = performance.now();
  await shell.ssh('true');
  figure('first command over SSH', performance.now() - called);
  const again = performance.now();
  await shell.ssh('true');
  figure('a command over SSH to one that is awake', performance.now() - again);
  await expectSameBoot(before);
  expect(await status()).toBe('running');

  // a program that fetches the page gets it, later
  await system.webhoster('sleep', vm(), '--force');
  const asked = performance.now();
  expect(await page({ accept: '*/*' })).toEqual({ status: 200, text: '<h1>mine</h1>\n', retry: null });
  figure('page again, a program', performance.now() - asked);
  expect((await system.tryWebhoster(['plan', vm()])).code).toBe(0);

  // asleep it is removed, and nothing is left; what else there could be is looked for when the system is closed
  await system.webhoster('sleep', vm(), '--force');
  expect(existsSync(saveImage())).toBe(true);
  expect((await system.call('DELETE', '/host/my', { token: account.token })).status).toBe(200);
  expect([await stateInLibvirt(), existsSync(saveImage())]).toEqual(['gone', false]);
  const [restored] = await system.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM operations WHERE kind = 'wake-hosting' AND status = 'succeeded'`,
  );
  expect(restored!.n).toBeGreaterThanOrEqual(3);
  figure('memory given back, MiB', memory * 1000);
  for (const { what, seconds } of await system.query<{ what: string; seconds: number }>(steps))
    figure(what, seconds * 1000);
});

const unended = `SELECT 1 FROM operations WHERE status NOT IN ('succeeded', 'failed')`;

/** How long each step took, on average. */
const steps = `SELECT o.kind || ' ' || s.name AS what, avg(extract(epoch FROM s.finished_at - s.started_at))::float8 AS seconds
  FROM operation_steps s JOIN operations o ON o.id = s.operation_id WHERE o.kind IN ('sleep-hosting', 'wake-hosting')
  GROUP BY o.kind, s.position, s.name ORDER BY o.kind, s.position`;

/** Memory, disk and uptime go on; only the clock was told that time has passed. */
async function expectSameBoot(before: { id: string; uptime: number }): Promise<void> {
  const now = await boot();
  expect(now.id).toBe(before.id);
  expect(now.uptime).toBeGreaterThan(before.uptime);
  expect(Math.abs(now.clock - Date.now() / 1000)).toBeLessThan(5);
  expect(await shell.ssh('cat /dev/shm/note 2>/dev/null || cat /tmp/note')).toBe('only in memory\n');
  expect(await shell.ssh('cat /var/www/html/index.html')).toBe('<h1>mine</h1>\n');
}

/** For docs/scale-to-zero.md: SHOW_FIGURES=1. */
function figure(what: string, ms: number): void {
  if (process.env.SHOW_FIGURES === '1') process.stderr.write(`${what}: ${(ms / 1000).toFixed(1)}\n`);
}
