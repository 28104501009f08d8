/** The worst day: everything of the service is lost but its secrets, a backup, and the VMs, which still run. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../support/postgres';
import { openShell } from '../support/shell';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';

jest.setTimeout(600_000);

interface Restored {
  readonly warnings: string[];
  readonly planning: string | null;
  readonly backup: { readonly rows: number; readonly seconds: number };
  readonly stacks: {
    readonly id: string;
    readonly kind: string;
    readonly result: string;
    readonly detail: string;
  }[];
}

let system: System;
let dataDir: string;
let dir: string;
let file: string;
beforeAll(async () => {
  system = await startSystem('micro');
  dataDir = system.env.DATA_DIR ?? '';
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-backup-'));
  file = path.join(dir, 'backup');
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  // a test that failed may have left it stopped
  await system.webhoster('service', 'postgres-start');
  await system.close();
});

async function create(account: Account): Promise<HostAnswer> {
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  return answer.body.data;
}

/** Empty while Nginx is not up yet. */
async function page({ userId }: Account): Promise<string> {
  return fetch(`${system.web}/${userId}`).then(
    (response) => response.text(),
    () => '',
  );
}

async function json<T>(
  ...args: string[]
): Promise<{ code: number; body: T & { error?: { message: string } } }> {
  const { code, stdout } = await system.tryWebhoster([...args, '--json']);
  return { code, body: JSON.parse(stdout) as T & { error?: { message: string } } };
}

/** Everything of the service on this machine, but the VMs. */
async function loseEverything(): Promise<void> {
  for (const part of ['nginx-stop', 'postgres-stop']) await system.webhoster('service', part);
  for (const name of readdirSync(dataDir)) rmSync(path.join(dataDir, name), { recursive: true });
}

/** A restore beside the running service, into a database of its own: it looks at the VMs and leaves them alone. */
async function drill(): Promise<void> {
  const beside = mkdtempSync('/var/lib/webhoster-drill-');
  chmodSync(beside, 0o711);
  const settings = { DATA_DIR: beside, POSTGRES_PORT: String(await freePort()) };
  try {
    const { code, stdout } = await system.tryWebhoster(['restore', file], settings);
    expect([code, stdout.match(/ no changes +[\d.]+ s$/gm)]).toEqual([
      0,
      [1, 2, 3].map(() => expect.any(String)),
    ]);
    expect(existsSync(path.join(beside, 'postgres/postmaster.pid'))).toBe(false);
  } finally {
    rmSync(beside, { recursive: true });
  }
}

it('brings a system back whose data directory is gone, with VMs that never stopped', async () => {
  const accounts = [await system.newAccount(), await system.newAccount()] as const;
  const hostings = [await create(accounts[0]), await create(accounts[1])];
  const shell = openShell(hostings[0]!);
  await shell.put('<h1>before</h1>\n', '/var/www/html/index.html');

  // while the service runs, and once more while everything is stopped
  expect(await system.webhoster('backup', file)).toMatch(
    /^written: \d+ tables, \d+ rows, [\d.]+ KiB, [\d.]+ s\n$/,
  );
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await json('restore', file, '--replace')).body.error?.message).toContain('The service is running');
  await drill();
  await system.stop();
  await system.webhoster('service', 'postgres-stop');
  const stopped = path.join(dir, 'stopped');
  expect(await system.webhoster('backup', stopped)).toContain('written: ');
  expect(existsSync(path.join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
  expect(await system.webhoster('backup', '--verify', stopped)).toMatch(/^intact, made /);
  expect(await json('backup', file)).toMatchObject({
    code: 2,
    body: { error: { code: 'validation_failed' } },
  });

  await loseEverything();
  expect(await json('backup', path.join(dir, 'nothing'))).toMatchObject({
    code: 2,
    body: { error: { message: 'There is no database on this machine' } },
  });
  const wrong = await system.tryWebhoster(['restore', file, '--json'], { STATE_KEY: 'x'.repeat(48) });
  expect([wrong.code, wrong.stdout]).toEqual([2, expect.stringContaining('STATE_KEY is not the one')]);
  expect(readdirSync(dataDir)).toEqual([]);

  const { code, body } = await json<Restored>('restore', file);
  expect([code, body.planning, body.warnings]).toEqual([0, null, []]);
  expect(body.stacks.map(({ kind, result, detail }) => ({ kind, result, detail }))).toEqual(
    ['node', 'hosting', 'hosting'].map((kind) => ({ kind, result: 'no changes', detail: '' })),
  );
  expect(body.stacks.slice(1).map(({ id }) => id)).toEqual(hostings.map(({ hosting }) => hosting.id).sort());

  await system.webhoster('service', 'postgres-start');
  expect(await system.webhoster('node', 'prepare')).toContain('the node is ready\n');
  await system.restart();
  await until(30_000, 'the page is served', async () => (await page(accounts[0])).includes('before'));
  // what Nginx serves is what it served when the backup was made
  const served = readFileSync(path.join(dataDir, 'nginx/nginx.conf'));
  expect(execFileSync('tar', ['xOf', file, 'nginx/nginx.conf'])).toEqual(served);
  expect(await page(accounts[0])).toBe('<h1>before</h1>\n');
  expect(await page(accounts[1])).toContain(`content="${hostings[1]!.hosting.vm_id}"`);
  // SSH has an Nginx of its own, which starts after the one for pages
  const { vm_id: first } = hostings[0]!.hosting;
  await until(
    20_000,
    'SSH is served',
    async () => (await shell.ssh('hostname').catch(() => '')) === `${first}\n`,
  );
  shell.close();

  // life goes on: the same tokens, new hostings beside the old ones, and an end without a trace
  const late = await system.newAccount();
  expect(late.userId).toBeGreaterThan(accounts[1].userId);
  const third = await create(late);
  expect(hostings.map(({ hosting }) => hosting.vm_ip)).not.toContain(third.hosting.vm_ip);
  for (const { token } of [...accounts, late])
    expect((await system.call('DELETE', '/host/my', { token })).status).toBe(200);
  expect((await system.virsh('vol-list', system.env.POOL_NAME ?? '')).match(/\.qcow2/g)).toHaveLength(2);
  expect(readdirSync(path.join(dataDir, 'workspaces'))).toHaveLength(1);
});

it('says which stack is not as the backup has it, and changes nothing', async () => {
  const account = await system.newAccount();
  const { hosting } = await create(account);
  rmSync(file);
  await system.webhoster('backup', file);
  await system.virsh('destroy', hosting.vm_id);
  await system.stop();
  await loseEverything();
  const { code, stdout } = await system.tryWebhoster(['restore', file]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^STACK +KIND +RESULT +TIME$/m);
  expect(stdout).toMatch(
    new RegExp(`^${hosting.id} +hosting +changes: libvirt_domain.vm: update.* [\\d.]+ s$`, 'm'),
  );
  expect(stdout).toMatch(/^[0-9a-f-]{36} +node +no changes +[\d.]+ s$/m);
  expect(await system.virsh('domstate', hosting.vm_id)).toContain('shut off');
  await system.webhoster('service', 'postgres-start');
  await system.restart();
  expect((await system.call('DELETE', '/host/my', { token: account.token })).status).toBe(200);
});
