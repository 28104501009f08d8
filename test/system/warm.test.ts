/** The warm pool on real libvirt, real Terraform and real Nginx, with the micro guest and its agent. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openShell } from '../support/shell';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';
import { planByHand } from '../support/terraform-by-hand';

jest.setTimeout(400_000);

let system: System;
let account: Account;
beforeAll(async () => {
  system = await startSystem('micro', { WARM_POOL_SIZE: '2', WARM_POOL_MIN_FREE_MIB: '0' });
});
afterAll(() => system.close());
beforeEach(async () => {
  account = await system.newAccount();
});

interface SpareRow {
  readonly id: string;
  readonly vm_name: string;
  readonly ip: string;
}

async function spares(): Promise<SpareRow[]> {
  return system.query(
    `SELECT id, vm_name, host(ip) AS ip FROM hostings WHERE status = 'spare' ORDER BY ready_at`,
  );
}

async function filled(count = 2): Promise<SpareRow[]> {
  await until(300_000, `${count} spares wait`, async () => (await spares()).length === count);
  return spares();
}

async function create(as = account): Promise<HostAnswer & { seconds: number; page: string }> {
  const begun = performance.now();
  const answer = await system.call('POST', '/host', { token: as.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  const page = await (await fetch(`${system.web}/${as.userId}`)).text();
  return { ...answer.body.data, seconds: (performance.now() - begun) / 1000, page };
}

/** How long the quickest spare took to make: Terraform, boot and all. */
async function secondsOfMaking(): Promise<number> {
  const [row] = await system.query<{ seconds: number }>(
    `SELECT min(extract(epoch FROM finished_at - started_at))::float8 AS seconds FROM operations
     WHERE kind = 'make-spare' AND status = 'succeeded'`,
  );
  return row!.seconds;
}

/** Empty where nobody answers. */
function hostKey(ip: string): string {
  const scan = spawnSync('ssh-keyscan', ['-T', '10', '-t', 'ed25519', ip], { encoding: 'utf8' });
  return scan.stdout.trim().split(' ').slice(1).join(' ');
}

async function remove(as = account): Promise<void> {
  expect((await system.call('DELETE', '/host/my', { token: as.token })).status).toBe(200);
}

async function isThere(vmName: string): Promise<boolean> {
  return (await system.virsh('list', '--all', '--name')).split('\n').includes(vmName);
}

it('gives the user a machine that waited, as if it had been made for them, in a fraction of a boot', async () => {
  const [first] = await filled();
  expect(await (await fetch(`${system.api.replace('/api/v1', '')}/metrics`)).text()).toContain(
    'webhoster_spares{state="waiting"} 2',
  );
  let oldKey = '';
  // a spare counts once its page and its agent are there; SSH may come later
  await until(30_000, 'the spare shows its key', () => {
    oldKey = hostKey(first!.ip);
    return Promise.resolve(/^ssh-ed25519 /.test(oldKey));
  });

  const made = await create();
  expect(made.operation.kind).toBe('claim-spare');
  expect(made.hosting).toMatchObject({ id: first!.id, vm_ip: first!.ip, status: 'running' });
  expect(made.page).toContain(`Hello, ${account.username}`);
  // whatever else the machine does meanwhile; what it takes on a quiet one is in docs/performance.md
  expect(made.seconds).toBeLessThan((await secondsOfMaking()) / 2);

  // strict: who answers must hold the key that was announced, and it is not the spare's
  const shell = openShell(made);
  try {
    expect((await shell.ssh('id -un; hostname; sudo -n id -u')).split('\n').slice(0, 3)).toEqual([
      'ubuntu',
      made.hosting.vm_id,
      '0',
    ]);
    expect((await shell.ssh('cat .ssh/authorized_keys')).trim().split('\n')).toHaveLength(1);
    expect(await shell.ssh(`sudo grep -rls spare /home /etc /var/www /var/lib || true`)).toBe('');
    await shell.put('<h1>mine</h1>\n', '/var/www/html/index.html');
    // a reset is no shutdown: what is not on the disk yet is lost
    await shell.ssh('sync');
  } finally {
    shell.close();
  }
  expect(made.known_hosts.join()).not.toContain(oldKey);
  expect(hostKey(first!.ip)).not.toBe(oldKey);
  // Nginx closes idle connections when it reloads; a client that meets that asks again, as browsers do
  await until(5_000, 'the page is the user’s own', async () => {
    const page = await fetch(`${system.web}/${account.userId}`).catch(() => null);
    return (await page?.text()) === '<h1>mine</h1>\n';
  });

  await expectOwnSpecification(made);
  await expectSameAfterRestart(made);
  await remove();
  expect(await isThere(made.hosting.vm_id)).toBe(false);
});

/** Terraform finds nothing to change, and what the guest would be told at a first boot is its user's. */
async function expectOwnSpecification({ hosting }: HostAnswer): Promise<void> {
  const { DATA_DIR = '', POOL_NAME = '' } = system.env;
  expect(await planByHand(system, path.join(DATA_DIR, 'workspaces', hosting.id))).toMatchObject({
    code: 0,
    output: expect.stringContaining('No changes') as string,
  });
  const shown = await system.call<{ plan: { differences: string[] } }>('GET', '/host/my/plan', {
    token: account.token,
  });
  expect([shown.status, shown.body.data.plan.differences]).toEqual([200, []]);
  const [stack] = await system.query<{ userdata: string }>(
    `SELECT spec -> 'cloudInit' ->> 'userData' AS userdata FROM stacks WHERE id = '${hosting.id}'`,
  );
  const iso = path.join(tmpdir(), `warm-${hosting.id}.iso`);
  try {
    await system.virsh('vol-download', `${hosting.id}-cidata.iso`, iso, '--pool', POOL_NAME);
    const content = readFileSync(iso).toString('latin1');
    expect(content).toContain(stack!.userdata);
    expect(content).not.toContain('-'.repeat(1000));
  } finally {
    rmSync(iso, { force: true });
  }
}

async function expectSameAfterRestart({ hosting, ...made }: HostAnswer): Promise<void> {
  const before = hostKey(hosting.vm_ip);
  await system.virsh('reset', hosting.vm_id);
  // at once its network is gone
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await until(60_000, 'the page is served again', async () =>
    (await (await fetch(`${system.web}/${account.userId}`)).text()).includes('mine'),
  );
  await until(30_000, 'SSH answers again', () => Promise.resolve(hostKey(hosting.vm_ip) === before));
  const shell = openShell({ hosting, ...made });
  try {
    expect(await shell.ssh('hostname')).toBe(`${hosting.vm_id}\n`);
  } finally {
    shell.close();
  }
}

it('gives ten who ask at once ten machines, each spare to one of them', async () => {
  const waiting = (await filled()).map(({ id }) => id);
  const accounts = await Promise.all(Array.from({ length: 10 }, () => system.newAccount()));
  const made = await Promise.all(accounts.map((each) => create(each)));
  const ids = made.map(({ hosting }) => hosting.id);
  expect(new Set(ids).size).toBe(10);
  expect(new Set(made.map(({ hosting }) => hosting.vm_ip)).size).toBe(10);
  expect(new Set(made.map(({ hosting }) => hosting.ssh_port)).size).toBe(10);
  made.forEach(({ page }, index) => {
    expect(page).toContain(`Hello, ${accounts[index]!.username}<`);
  });
  expect(ids.filter((id) => waiting.includes(id)).sort()).toEqual([...waiting].sort());
  const kinds = made.map(({ operation }) => operation.kind);
  expect(kinds.filter((kind) => kind === 'claim-spare')).toHaveLength(2);
  await Promise.all(accounts.map((each) => remove(each)));
});

it('makes the machine anew, under the same name and address, when the spare does not answer', async () => {
  const [first] = await filled();
  await system.virsh('destroy', first!.vm_name);
  const made = await create();
  expect(made.hosting).toMatchObject({ id: first!.id, vm_ip: first!.ip, status: 'running' });
  expect(made.page).toContain(`Hello, ${account.username}`);
  const shell = openShell(made);
  expect(await shell.ssh('hostname')).toBe(`${made.hosting.vm_id}\n`);
  shell.close();
  await expectOwnSpecification(made);
  await remove();
});

it.each(['personalize', 'open'])('outlives kill -9 in the middle of a claim, in %s', async (step) => {
  await filled();
  const asked = await system.call('POST', '/host', {
    token: account.token,
    body: {},
    headers: { prefer: 'respond-async' },
  });
  const { operation, hosting } = asked.body.data;
  const stepStatus = `SELECT 1 FROM operation_steps WHERE operation_id = '${operation.id}' AND name = '${step}'
    AND status <> 'pending'`;
  await until(30_000, `${step} runs`, async () => (await system.query(stepStatus)).length > 0);
  process.kill(system.pid(), 'SIGKILL');
  await system.restart();
  const status = `SELECT status FROM operations WHERE id = '${operation.id}'`;
  await until(120_000, 'the claim ends', async () =>
    /succeeded|failed|stuck/.test((await system.query<{ status: string }>(status))[0]?.status ?? ''),
  );
  expect(await system.query(status)).toEqual([{ status: 'succeeded' }]);
  expect(await (await fetch(`${system.web}/${account.userId}`)).text()).toContain(
    `Hello, ${account.username}`,
  );
  const mine = await system.call('GET', '/host/my', { token: account.token });
  expect(mine.body.data.hosting).toMatchObject({ id: hosting.id, status: 'running' });
  expect(mine.body.data.known_hosts.join()).toContain(hostKey(hosting.vm_ip));
  await expectOwnSpecification(mine.body.data);
  await remove();
});

it('gives a saved machine, which used no memory until then, to whoever finds no other', async () => {
  await system.restart({ WARM_POOL_SIZE: '0', WARM_POOL_SAVED: '1' });
  const saved = () =>
    system.query<SpareRow>(`SELECT id, vm_name, host(ip) AS ip FROM hostings WHERE status = 'saved'`);
  await until(300_000, 'a spare is saved', async () => (await saved()).length === 1);
  const [spare] = await saved();
  expect((await system.virsh('domstate', spare!.vm_name, '--reason')).trim()).toBe('shut off (saved)');
  // long enough for a clock that stood still to be told
  await new Promise((resolve) => setTimeout(resolve, 4_000));

  const made = await create();
  expect(made.operation.kind).toBe('claim-spare');
  expect(made.hosting).toMatchObject({ id: spare!.id, vm_ip: spare!.ip, status: 'running' });
  expect(made.page).toContain(`Hello, ${account.username}`);
  expect(made.seconds).toBeLessThan(await secondsOfMaking());
  const shell = openShell(made);
  try {
    expect(Math.abs(Number(await shell.ssh('date +%s')) - Date.now() / 1000)).toBeLessThan(3);
  } finally {
    shell.close();
  }
  expect((await system.virsh('dominfo', spare!.vm_name)).match(/Autostart: +(\w+)/)?.[1]).toBe('enable');
  await expectOwnSpecification(made);
  await remove();
  expect(await isThere(made.hosting.vm_id)).toBe(false);
  await system.restart();
});

it('takes the spares away when none are wanted, and leaves nothing of them', async () => {
  const waiting = await filled();
  await system.restart({ WARM_POOL_SIZE: '0' });
  await until(
    120_000,
    'no spare is left',
    async () =>
      (await system.query(`SELECT 1 FROM hostings WHERE status NOT IN ('deleted', 'failed')`)).length === 0,
  );
  for (const { vm_name: name } of waiting) expect([name, await isThere(name)]).toEqual([name, false]);
  const { DATA_DIR = '', POOL_NAME = '' } = system.env;
  expect(await system.virsh('vol-list', POOL_NAME)).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  const left = await Promise.all(
    ['ssh_ports', 'address_leases', 'routes', `stacks WHERE kind = 'hosting'`].map((from) =>
      system.query(`SELECT 1 FROM ${from}`),
    ),
  );
  expect(left).toEqual([[], [], [], []]);
  const [{ stack_id: node }] = (await system.query<{ stack_id: string }>('SELECT stack_id FROM nodes')) as [
    { stack_id: string },
  ];
  expect(readdirSync(path.join(DATA_DIR, 'workspaces')).filter((name) => name !== node)).toEqual([]);
  // with the settings that the service has by now
  expect((await system.tryWebhoster(['doctor'], { WARM_POOL_SIZE: '0' })).code).toBe(0);
});
