/** Terraform in the open, on real libvirt: plans, drift of each kind, its mending, the record of runs, and no secret in any. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openShell } from '../support/shell';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';
import { changeSpec } from '../support/rows';

jest.setTimeout(300_000);

let system: System;
let account: Account;
let made: HostAnswer;
beforeAll(async () => {
  system = await startSystem('micro', { DRIFT_INTERVAL_SECONDS: '0' });
  account = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect(answer.status).toBe(201);
  made = answer.body.data;
});
afterAll(() => system.close());

interface Plan {
  readonly changed: boolean;
  readonly differences: string[];
  readonly changes: { address: string; action: string }[];
  readonly text: string;
  readonly json: { resource_changes?: unknown[] };
}

async function plan(): Promise<Plan> {
  const answer = await system.call<{ plan: Plan }>('GET', '/host/my/plan', { token: account.token });
  expect([answer.status, answer.body.message]).toEqual([200, expect.any(String)]);
  return answer.body.data.plan;
}

async function expectNoChanges(times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const { changed, text, differences } = await plan();
    expect([changed, differences, text]).toEqual([false, [], expect.stringContaining('No changes')]);
  }
}

function page(): string {
  try {
    return execFileSync('curl', ['-s', '--max-time', '10', `${system.web}/${account.userId}`]).toString();
  } catch {
    return '';
  }
}

const served = (): Promise<void> =>
  until(90_000, 'the page is served', () => Promise.resolve(page().includes('keep me')));

it('plans no change right after a create, after a restart of the VM, and after a restart of everything', async () => {
  await writePage('keep me');
  await expectNoChanges(8);
  await system.virsh('destroy', made.hosting.vm_id);
  await system.virsh('start', made.hosting.vm_id);
  await served();
  await expectNoChanges(6);
  await system.restart();
  await expectNoChanges(6);
});

/** Whether the guest's agent has connected by now is the guest's matter. */
const domainXml = async (): Promise<string> =>
  (await system.virsh('dumpxml', made.hosting.vm_id)).replace(/ state='(dis)?connected'/, '');

/** What was done by hand, what is found, and what mending it does. */
const drifts: [string, () => Promise<unknown>, string[]][] = [
  [
    'a VM that is off',
    () => system.virsh('destroy', made.hosting.vm_id),
    ['libvirt_domain.vm: update (running)'],
  ],
  [
    'a VM that was removed',
    async () => {
      await system.virsh('destroy', made.hosting.vm_id);
      await system.virsh('undefine', made.hosting.vm_id);
    },
    ['libvirt_domain.vm: create'],
  ],
  [
    'memory that was changed',
    async () => {
      await system.virsh('setmaxmem', made.hosting.vm_id, '200M', '--config');
      await system.virsh('setmem', made.hosting.vm_id, '200M', '--config');
    },
    ['libvirt_domain.vm: memory 200 MiB at its next start, 128 MiB in the specification'],
  ],
];

it.each(drifts)(
  'finds %s, names it, and mends it without losing the user’s data',
  async (_, damage, found) => {
    await damage();
    const { differences } = await plan();
    expect(differences).toEqual(found);
    expect(await system.tryWebhoster(['drift', '--json'])).toMatchObject({ code: 2 });
    const mended = await system.tryWebhoster(['apply', made.hosting.vm_id, '--yes']);
    expect([mended.code, mended.stdout]).toEqual([0, expect.stringContaining('matches its specification')]);
    await served();
    expect(await system.virsh('dumpxml', '--inactive', made.hosting.vm_id)).toContain(`'KiB'>${128 * 1024}<`);
    await expectNoChanges(1);
    expect((await system.tryWebhoster(['drift', account.username])).code).toBe(0);
  },
);

it('finds a missing cloud-init disk and makes it again', async () => {
  await system.virsh('vol-delete', `${made.hosting.id}-cidata.iso`, '--pool', system.env.POOL_NAME ?? '');
  expect((await plan()).differences).toContain('libvirt_cloudinit_disk.cidata: create');
  expect((await system.tryWebhoster(['apply', made.hosting.vm_id, '--yes'])).code).toBe(0);
  await served();
  await expectNoChanges(1);
});

it('refuses to apply a plan that is not the one that was agreed to', async () => {
  await system.virsh('destroy', made.hosting.vm_id);
  const answer = await system.call('POST', '/host/my/apply', {
    token: account.token,
    body: { agreed: ['libvirt_domain.vm: create'] },
  });
  expect([answer.status, answer.body.error?.code]).toEqual([409, 'plan_changed']);
  expect(await system.virsh('domstate', made.hosting.vm_id)).toContain('shut off');
  await system.call('POST', '/host/my/apply', { token: account.token, body: {} });
  await served();
});

it.each<[string, string, string, string]>([
  ['within-quota', '{memoryMiB}', '256', '128'],
  ['keep-what-is-used', '{diskBytes}', String(2 * 1024 ** 3), String(1024 ** 3)],
  ['own-node', '{node,uri}', '"qemu:///system?no_verify=1"', '"qemu:///system"'],
])(
  'refuses a plan against the rule %s, says so, and leaves everything as it was',
  async (rule, at, wrong, right) => {
    // as if the specification had been changed behind our back
    const change = (value: string): Promise<void> => changeSpec(system, made.hosting.id, at, value);
    const before = await domainXml();
    await change(wrong);
    const answer = await system.call('POST', '/host/my/apply', { token: account.token, body: {} });
    expect([answer.status, answer.body.error?.code, answer.body.message]).toEqual([
      500,
      'plan_refused',
      expect.stringContaining(rule),
    ]);
    expect(await domainXml()).toBe(before);
    await change(right);
    await expectNoChanges(1);
  },
);

it('shows what a create would make, and makes nothing', async () => {
  const other = await system.newAccount();
  // The pool is this installation's alone; libvirt's list of VMs is not, and of ours the doctor below knows each.
  const traces = async (): Promise<unknown[]> => [
    await system.virsh('vol-list', system.env.POOL_NAME ?? ''),
    await system.query('SELECT * FROM ssh_ports ORDER BY port'),
  ];
  const before = await traces();
  const answer = await system.call<{ plan: Plan }>('POST', '/host?dry_run=true', {
    token: other.token,
    body: {},
  });
  expect(answer.status).toBe(200);
  expect(answer.body.data.plan.changes.map(({ action, address }) => `${action} ${address}`)).toEqual([
    'create libvirt_cloudinit_disk.cidata',
    'create libvirt_domain.vm',
    'create libvirt_volume.root',
  ]);
  expect(await traces()).toEqual(before);
  expect((await system.tryWebhoster(['plan', '--new', other.username])).code).toBe(2);
  expect((await system.tryWebhoster(['doctor'])).code).toBe(0);
});

it('records each run: log, plan, timings, versions, who asked; and shows it live', async () => {
  const { body } = await system.call<{ runs: { id: string; kind: string; phases: { phase: string }[] }[] }>(
    'GET',
    '/host/my/runs?limit=100',
    { token: account.token },
  );
  const apply = [...body.data.runs].reverse().find(({ kind }) => kind === 'apply');
  expect(apply).toMatchObject({
    exit_code: 0,
    requested_by: account.username,
    tools: {
      terraform: expect.stringMatching(/^\w+ \d/) as string,
      libvirt: expect.stringMatching(/^\d[.\d]*\+(whole-streams|registry)$/) as string,
    },
  });
  expect(apply?.phases.map(({ phase }) => phase)).toEqual(
    expect.arrayContaining(['apply', 'apply libvirt_domain.vm', 'apply libvirt_volume.root']),
  );
  const shown = await system.webhoster('runs', 'show', apply?.id ?? '');
  expect(shown).toContain('libvirt_domain.vm: Creation complete');
  const live = await fetch(`${system.api}/api/v1/runs/${apply?.id ?? ''}/log`, {
    headers: { authorization: `Bearer ${account.token}` },
  });
  expect(await live.text()).toContain('Creation complete');
  const stranger = await system.newAccount();
  expect((await system.call('GET', `/runs/${apply?.id ?? ''}`, { token: stranger.token })).status).toBe(404);
});

it('says that the disk is gone, and makes an empty one only when it is asked to', async () => {
  await system.virsh('destroy', made.hosting.vm_id);
  await system.virsh('vol-delete', `${made.hosting.id}.qcow2`, '--pool', system.env.POOL_NAME ?? '');
  expect((await plan()).differences).toEqual([`libvirt_volume.root: lost, and the user's data with it`]);
  const refused = await system.call('POST', '/host/my/apply', { token: account.token, body: {} });
  expect([refused.status, refused.body.error?.code]).toEqual([409, 'disk_lost']);
  const mended = await system.tryWebhoster(['apply', account.username, '--yes', '--recreate-disk']);
  expect(mended.code).toBe(0);
  await until(90_000, 'the welcome page is served', () => Promise.resolve(page().includes('vm-webhoster')));
  await expectNoChanges(1);
});

it('shows no secret: not in a log, a plan, a record or an answer', async () => {
  const { DATA_DIR = '', JWT_SECRET = '', STATE_KEY = '', POSTGRES_PASSWORD = '' } = system.env;
  const userKey = (made.ssh_private_key ?? '').split('\n')[2] ?? '';
  const password = `canary-${randomUUID()}`;
  const registered = { email: 'canary@example.org', password, username: 'canary' };
  expect((await system.call('POST', '/auth/register', { body: registered })).status).toBe(201);
  const login = new URLSearchParams({ username: registered.email, password });
  expect((await fetch(`${system.api}/api/v1/auth/login`, { method: 'POST', body: login })).status).toBe(200);
  const secrets = { JWT_SECRET, STATE_KEY, POSTGRES_PASSWORD, userKey, token: account.token, password };
  for (const [name, secret] of Object.entries(secrets))
    expect([name, secret.length > 20]).toEqual([name, true]);

  const runs = await system.query<{ id: string }>('SELECT id FROM runs');
  const places = {
    'the log': readFileSync(path.join(DATA_DIR, 'api.log'), 'utf8'),
    'the records of runs': JSON.stringify(await system.query('SELECT * FROM runs')),
    'every table of the service': JSON.stringify(await everyTable()),
    'events of operations': JSON.stringify(await system.query('SELECT * FROM operation_events')),
    'steps of operations': JSON.stringify(await system.query('SELECT * FROM operation_steps')),
    'an answer': JSON.stringify(await plan()),
    'the command line': await system.webhoster('runs', 'show', runs.at(-1)?.id ?? '', '--json'),
  };
  for (const [place, text] of Object.entries(places))
    for (const [name, secret] of Object.entries(secrets))
      expect([place, name, text.includes(secret)]).toEqual([place, name, false]);
});

async function everyTable(): Promise<unknown[]> {
  const tables = await system.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  return Promise.all(tables.map(({ name }) => system.query(`SELECT * FROM "${name}"`)));
}

/** By the guest's own way in. */
async function writePage(text: string): Promise<void> {
  const shell = openShell(made);
  try {
    await shell.put(text, '/var/www/html/index.html');
  } finally {
    shell.close();
  }
}
