/** A hosting on real libvirt, real Terraform and real Nginx, with the micro guest. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { openShell } from '../support/shell';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';
import { diffByHand, planByHand } from '../support/terraform-by-hand';
import { asIfStuck } from '../support/rows';

jest.setTimeout(180_000);

let system: System;
let account: Account;
beforeAll(async () => {
  system = await startSystem('micro');
  // the service is healthy before it has published for the first time
  const configuration = path.join(system.env.DATA_DIR ?? '', 'nginx/nginx.conf');
  await until(60_000, 'Nginx has a configuration', () => Promise.resolve(existsSync(configuration)));
});
afterAll(() => system.close());
beforeEach(async () => {
  account = await system.newAccount();
});

/** What a hosting leaves on the machine, in the forms that an operator would look at. */
async function traces(): Promise<Record<string, string[]>> {
  const { POOL_NAME = '', DATA_DIR = '' } = system.env;
  const ours = (await system.query<{ vm_name: string }>('SELECT vm_name FROM hostings')).map(
    (row) => row.vm_name,
  );
  const lines = (text: string): string[] =>
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .sort();
  return {
    // other systems of this machine have theirs
    domains: lines(await system.virsh('list', '--all', '--name')).filter((name) => ours.includes(name)),
    volumes: lines(await system.virsh('vol-list', POOL_NAME)),
    nginx: lines(readFileSync(path.join(DATA_DIR, 'nginx/nginx.conf'), 'utf8')),
    workspaces: readdirSync(path.join(DATA_DIR, 'workspaces')),
    ports: lines(JSON.stringify(await query('SELECT * FROM ssh_ports'))),
    addresses: lines(JSON.stringify(await query('SELECT * FROM address_leases'))),
    stacks: lines(JSON.stringify(await query(`SELECT id FROM stacks WHERE kind = 'hosting'`))),
  };
}

const query = (sql: string): Promise<unknown[]> => system.query(sql);

async function page(urlPath: string, host?: string): Promise<string> {
  const args = [
    '-s',
    '--max-time',
    '10',
    ...(host === undefined ? [] : ['-H', `Host: ${host}`]),
    `${system.web}${urlPath}`,
  ];
  return Promise.resolve(execFileSync('curl', args).toString());
}

async function create(): Promise<HostAnswer> {
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  return answer.body.data;
}

it("serves the user's own page, by path and by name, lets them in by ssh and sftp, and leaves nothing after DELETE", async () => {
  const before = await traces();
  const made = await create();
  expect(await page(`/${account.userId}`)).toContain(`content="${made.hosting.vm_id}"`);
  expect(await page('/', `${account.username}.localhost`)).toContain(account.username);
  expect(await page(`/${account.userId + 1000}`)).not.toContain('vm-');

  const shell = openShell(made);
  try {
    expect((await shell.ssh('id -un; hostname; sudo -n id -u')).split('\n')).toEqual([
      'ubuntu',
      made.hosting.vm_id,
      '0',
      '',
    ]);
    await shell.put('<h1>mine</h1>\n', '/var/www/html/index.html');
    await shell.put('below', '/var/www/html/a b.txt');
  } finally {
    shell.close();
  }
  expect(await page(`/${account.userId}`)).toBe('<h1>mine</h1>\n');
  expect(await page(`/${account.userId}/a%20b.txt?x=1`)).toBe('below');

  const workspace = path.join(system.env.DATA_DIR ?? '', 'workspaces', made.hosting.id);
  expect(statSync(workspace).mode & 0o777).toBe(0o700);
  for (const file of ['cdk.tf.json', 'terraform.tfstate', 'plan.tfplan'])
    expect([file, statSync(path.join(workspace, file)).mode & 0o777]).toEqual([file, 0o600]);

  const removed = await system.call('DELETE', '/host/my', { token: account.token });
  expect(removed.status).toBe(200);
  expect(await traces()).toEqual(before);
  expect(await page(`/${account.userId}`)).toContain('html');
  expect((await system.call('GET', '/host/my', { token: account.token })).status).toBe(404);
});

it('plans to no changes right after a create, by hand in the workspace: plain Terraform, and cdktf', async () => {
  const made = await create();
  const workspace = path.join(system.env.DATA_DIR ?? '', 'workspaces', made.hosting.id);
  const { code, output } = await planByHand(system, workspace);
  expect([code, output]).toEqual([0, expect.stringContaining('No changes')]);
  const diff = await diffByHand(system, path.join(workspace, 'cdktf'));
  expect([diff.code, diff.output]).toEqual([0, expect.stringContaining('No changes')]);
  await system.call('DELETE', '/host/my', { token: account.token });
});

it('keeps a hosting and its data over a restart of the service', async () => {
  const made = await create();
  const shell = openShell(made);
  await shell.put('kept', '/var/www/html/index.html');
  shell.close();
  await system.restart();
  expect(await page(`/${account.userId}`)).toBe('kept');
  const mine = await system.call('GET', '/host/my', { token: account.token });
  expect(mine.body.data.hosting).toMatchObject({ id: made.hosting.id, status: 'running' });
  await system.call('DELETE', '/host/my', { token: account.token });
});

it('answers 202 at once when asked to, tells what happens as it happens, and can be cancelled', async () => {
  const before = await traces();
  const asked = await system.call('POST', '/host', {
    token: account.token,
    body: {},
    headers: { prefer: 'respond-async' },
  });
  expect(asked.status).toBe(202);
  const location = asked.headers.get('location') ?? '';
  const events = fetch(`${system.api}${location}/events`, {
    headers: { authorization: `Bearer ${account.token}` },
  }).then((response) => response.text());
  await until(60_000, 'the apply runs', async () =>
    (
      await system.call('GET', location.replace('/api/v1', ''), { token: account.token })
    ).body.data.operation.steps.some((step) => step.name === 'apply' && step.started_at !== null),
  );
  await system.call('POST', `${location.replace('/api/v1', '')}/cancel`, { token: account.token });
  const told = await events;
  expect(told).toContain('event: step.done');
  expect(told).toContain('event: operation.failed');
  expect(await traces()).toEqual(before);
});

it('makes one VM of 50 requests with one Idempotency-Key', async () => {
  const before = await traces();
  const ask = (body: object) =>
    system.call('POST', '/host', { token: account.token, body, headers: { 'idempotency-key': 'once' } });
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask({})));
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(201));
  const made = answers.map(({ body }) => body.data);
  expect(new Set(made.map(({ hosting }) => hosting.id)).size).toBe(1);
  expect(new Set(made.map(({ operation }) => operation.id)).size).toBe(1);
  expect(made.filter((each) => 'ssh_private_key' in each)).toHaveLength(1);
  const { hosting, operation } = made[0]!;
  const ofUser = `WHERE user_id = ${account.userId}`;
  expect(await query(`SELECT id FROM hostings ${ofUser}`)).toEqual([{ id: hosting.id }]);
  expect(await query(`SELECT id FROM operations ${ofUser}`)).toEqual([{ id: operation.id }]);
  expect((await traces()).domains).toEqual([...(before.domains ?? []), hosting.vm_id].sort());
  const other = await ask({
    ssh_public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+',
  });
  expect([other.status, other.body.error?.code]).toEqual([422, 'idempotency_key_reused']);
  await system.call('DELETE', '/host/my', { token: account.token });
  expect(await traces()).toEqual(before);
});

it('shows the operator what a stuck operation still owns, and clears it up with the next DELETE', async () => {
  const before = await traces();
  const made = await create();
  await asIfStuck(system, { id: made.operation.id });
  const owns = [
    `domain ${made.hosting.vm_id} (running)`,
    `volume ${made.hosting.id}.qcow2`,
    `volume ${made.hosting.id}-cidata.iso`,
    `SSH port ${made.hosting.ssh_port}`,
    `address ${made.hosting.vm_ip}`,
    `route /${account.userId}`,
    'workspace',
    'Terraform state',
  ];
  const lines = (await system.webhoster('operations', '--status', 'stuck')).split('\n');
  expect(lines[1]).toMatch(new RegExp(`^create-hosting +stuck +${made.hosting.vm_id} `));
  expect(lines.slice(2, 2 + owns.length).map((line) => line.trim())).toEqual(owns);
  const shown = await system.call('GET', `/operations/${made.operation.id}`, { token: account.token });
  expect(shown.body.data.operation).toMatchObject({ status: 'stuck', owns });
  const numbers = await (await fetch(`${system.api}/metrics`)).text();
  expect(numbers).toContain('webhoster_operations{kind="create-hosting",status="stuck"} 1');
  expect((await system.call('DELETE', '/host/my', { token: account.token })).status).toBe(200);
  expect(await traces()).toEqual(before);
});

it('answers 503 while the database is away, with a short line in the log, and goes on when it is back', async () => {
  const ask = (urlPath: string) => system.call('GET', urlPath, { token: account.token });
  await system.webhoster('service', 'postgres-stop');
  try {
    const id = '00000000-0000-4000-8000-000000000000';
    for (const urlPath of ['/auth/me', '/host/my', `/operations/${id}`, `/operations/${id}/events`]) {
      const { status, headers, body } = await ask(urlPath);
      expect([urlPath, status, headers.get('retry-after'), body.error?.code]).toEqual([
        urlPath,
        503,
        '5',
        'database_unavailable',
      ]);
    }
    expect((await fetch(`${system.api}/metrics`)).status).toBe(503);
  } finally {
    await system.webhoster('service', 'postgres-start');
  }
  await until(20_000, 'the database is used again', async () => (await ask('/auth/me')).status === 200);
  const requests = readFileSync(path.join(system.env.DATA_DIR ?? '', 'api.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"msg":"request"') && line.includes('"status":503'));
  expect(requests.length).toBeGreaterThanOrEqual(5);
  for (const line of requests) {
    expect(JSON.parse(line)).toMatchObject({ level: 40, failure: { code: 'database_unavailable' } });
    expect([line, line.length < 600]).toEqual([line, true]);
  }
});

it.each<[string, Record<string, string>, string]>([
  ['the VM never serves', { BOOT_TIMEOUT_SECONDS: '1' }, 'guest_unreachable'],
  ['Terraform is missing', { TERRAFORM_BIN: '/nonexistent/terraform' }, 'terraform_missing'],
])(
  'unwinds when %s: nothing is left, the reason can be read, and the next request works',
  async (_, settings, code) => {
    const before = await traces();
    await system.restart(settings);
    const answer = await system.call('POST', '/host', { token: account.token, body: {} });
    expect(answer.body).toMatchObject({ success: false, error: { code } });
    expect(await traces()).toEqual(before);
    await system.restart();
    await create();
    await system.call('DELETE', '/host/my', { token: account.token });
  },
);

it('is picked up again after kill -9 in the middle of an apply, with one VM and nothing left over', async () => {
  const before = await traces();
  const asked = await system.call('POST', '/host', {
    token: account.token,
    body: {},
    headers: { prefer: 'respond-async' },
  });
  const { id } = asked.body.data.operation;
  await until(
    60_000,
    'the apply runs',
    async () =>
      (await query(`SELECT 1 FROM runs WHERE operation_id = '${id}' AND kind = 'apply'`)).length > 0,
  );
  process.kill(system.pid(), 'SIGKILL');
  await system.restart();
  await until(90_000, 'the operation ends', async () =>
    /succeeded|failed|stuck/.test(
      ((await query(`SELECT status FROM operations WHERE id = '${id}'`)) as { status: string }[])[0]
        ?.status ?? '',
    ),
  );
  expect(await query(`SELECT status FROM operations WHERE id = '${id}'`)).toEqual([{ status: 'succeeded' }]);
  expect(await page(`/${account.userId}`)).toContain('name="vm-webhoster"');
  await system.call('DELETE', '/host/my', { token: account.token });
  expect(await traces()).toEqual(before);
});
