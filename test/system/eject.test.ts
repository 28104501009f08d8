/** A VM leaves the service and comes back, on real libvirt, Terraform and Nginx. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';
import { planByHand, type Ran, terraformByHand } from '../support/terraform-by-hand';
import { forgetEjected } from '../support/rows';

jest.setTimeout(240_000);

let system: System;
let account: Account;
let made: HostAnswer;
let home: string;
let dir: string;
beforeAll(async () => {
  system = await startSystem('micro');
  home = mkdtempSync(path.join(tmpdir(), 'webhoster-eject-'));
  dir = path.join(home, 'ejected');
  account = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect(answer.status).toBe(201);
  made = answer.body.data;
});
afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await system.close();
});

const page = (url: string): string => execFileSync('curl', ['-s', '--max-time', '10', url]).toString();
const ownPage = (): string => page(`http://${made.hosting.vm_ip}/`);
const servedPage = (): string => page(`${system.web}/${account.userId}`);

/** As README.md says. */
const terraform = (...args: string[]): Promise<Ran> => terraformByHand(system, dir, ...args);
const plan = (): Promise<Ran> => planByHand(system, dir);

async function doctor(): Promise<[number, unknown]> {
  const { code, stdout } = await system.tryWebhoster(['doctor', '--fix', '--json']);
  return [code, (JSON.parse(stdout) as { findings: unknown }).findings];
}

async function webhoster(...args: string[]): Promise<{ code: number; answer: Record<string, unknown> }> {
  const { code, stdout } = await system.tryWebhoster([...args, '--yes', '--json']);
  return { code, answer: JSON.parse(stdout) as Record<string, unknown> };
}

it('asks before it ejects, where somebody can be asked', async () => {
  expect(await system.tryWebhoster(['eject', made.hosting.vm_id, dir])).toMatchObject({ code: 2 });
  expect(existsSync(dir)).toBe(false);
  writeFileSync(path.join(home, 'mine'), 'kept');
  expect((await webhoster('eject', made.hosting.vm_id, home)).code).toBe(2);
  expect(readFileSync(path.join(home, 'mine'), 'utf8')).toBe('kept');
});

it('changes nothing when the files cannot be written, or what there is differs', async () => {
  const full = path.join(home, 'full');
  mkdirSync(full);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', full]);
  try {
    expect((await webhoster('eject', made.hosting.vm_id, path.join(full, 'x'))).code).toBe(1);
    expect(readdirSync(full)).toEqual([]);
  } finally {
    execFileSync('umount', [full]);
  }
  await system.virsh('setmem', made.hosting.vm_id, '96M', '--config');
  await system.virsh('setmaxmem', made.hosting.vm_id, '96M', '--config');
  const { code, answer } = await webhoster('eject', made.hosting.vm_id, dir);
  expect([code, answer]).toMatchObject([1, { error: { code: 'plan_changed' } }]);
  expect(JSON.stringify(answer)).toContain('libvirt_domain.vm: memory 96 MiB');
  expect(existsSync(dir)).toBe(false);
  expect(servedPage()).toContain(made.hosting.vm_id);
  await system.virsh('setmaxmem', made.hosting.vm_id, '128M', '--config');
  await system.virsh('setmem', made.hosting.vm_id, '128M', '--config');
});

it('ejects: the VM serves on, on its own address only, and Terraform alone goes on with it', async () => {
  const { code, answer } = await webhoster('eject', account.username, dir);
  expect([code, answer]).toMatchObject([0, { vm_id: made.hosting.vm_id, ejected: true }]);
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  for (const file of ['main.tf', 'terraform.tfstate', 'cloud-init/user-data', 'hosting.json', 'README.md'])
    expect([file, statSync(path.join(dir, file)).mode & 0o777]).toEqual([file, 0o600]);

  expect(ownPage()).toContain(made.hosting.vm_id);
  expect(servedPage()).not.toContain(made.hosting.vm_id);
  expect((await system.call('GET', '/host/my', { token: account.token })).status).toBe(404);
  expect((await system.call('DELETE', '/host/my', { token: account.token })).status).toBe(404);

  expect(await terraform('init', '-input=false', '-no-color')).toMatchObject({ code: 0 });
  expect(await terraform('fmt', '-check', '-diff')).toMatchObject({ code: 0, output: '' });
  expect(await terraform('validate', '-no-color')).toMatchObject({ code: 0 });
  expect(await plan()).toMatchObject({ code: 0, output: expect.stringContaining('No changes') as unknown });
  renameSync(path.join(dir, 'main.tf'), path.join(dir, 'main.tf.inactive'));
  renameSync(path.join(dir, 'cdk.tf.json.inactive'), path.join(dir, 'cdk.tf.json'));
  expect(await plan()).toMatchObject({ code: 0, output: expect.stringContaining('No changes') as unknown });
  renameSync(path.join(dir, 'cdk.tf.json'), path.join(dir, 'cdk.tf.json.inactive'));
  renameSync(path.join(dir, 'main.tf.inactive'), path.join(dir, 'main.tf'));
});

it('is no orphan to the doctor, and keeps its address, while its user makes another', async () => {
  expect(await doctor()).toEqual([0, []]);
  const other = await system.call('POST', '/host', { token: account.token, body: {} });
  expect(other.status).toBe(201);
  expect(other.body.data.hosting.vm_ip).not.toBe(made.hosting.vm_ip);
  expect((await webhoster('adopt', dir)).answer).toMatchObject({ error: { code: 'quota_exceeded' } });
  await system.call('DELETE', '/host/my', { token: account.token });
  expect(ownPage()).toContain(made.hosting.vm_id);
  expect(await doctor()).toEqual([0, []]);
});

it('refuses to remove the node under it', async () => {
  await expect(system.webhoster('service', 'purge-stacks')).rejects.toThrow(/was ejected and still exists/);
});

it('refuses to adopt what was changed, and says what differs', async () => {
  const main = readFileSync(path.join(dir, 'main.tf'), 'utf8');
  writeFileSync(path.join(dir, 'main.tf'), main.replace('autostart  = true', 'autostart  = false'));
  expect(await terraform('apply', '-auto-approve', '-no-color')).toMatchObject({ code: 0 });
  const { code, answer } = await webhoster('adopt', dir);
  expect([code, answer]).toMatchObject([1, { error: { code: 'plan_changed' } }]);
  expect(JSON.stringify(answer)).toContain('libvirt_domain.vm: update (autostart)');
  expect(servedPage()).not.toContain(made.hosting.vm_id);
  writeFileSync(path.join(dir, 'main.tf'), main);
  expect(await terraform('apply', '-auto-approve', '-no-color')).toMatchObject({ code: 0 });
});

it('adopts: the page is served, plans show no changes, and a DELETE leaves nothing', async () => {
  const { code, answer } = await webhoster('adopt', dir);
  expect([code, answer]).toMatchObject([
    0,
    {
      hosting_id: made.hosting.id,
      ssh_port: made.hosting.ssh_port,
      former_ssh_port: null,
      changed_files: ['terraform.tfstate'],
    },
  ]);
  expect(servedPage()).toContain(made.hosting.vm_id);
  const mine = await system.call('GET', '/host/my', { token: account.token });
  expect(mine.body.data.hosting).toMatchObject({
    id: made.hosting.id,
    status: 'running',
    vm_ip: made.hosting.vm_ip,
  });
  expect(await doctor()).toEqual([0, []]);
  const planned = await system.tryWebhoster(['plan', made.hosting.vm_id]);
  expect([planned.code, planned.stdout]).toEqual([0, expect.any(String)]);
});

it('gives the address back when the VM of an ejected hosting was destroyed by Terraform', async () => {
  const again = path.join(home, 'again');
  dir = again;
  expect((await webhoster('eject', made.hosting.id, dir)).code).toBe(0);
  expect(await terraform('init', '-input=false')).toMatchObject({ code: 0 });
  expect(await terraform('destroy', '-auto-approve', '-no-color')).toMatchObject({
    code: 0,
  });
  expect(await doctor()).toEqual([
    0,
    [expect.objectContaining({ kind: 'orphan-address', subject: made.hosting.vm_ip })],
  ]);
  expect(await doctor()).toEqual([0, []]);
  expect(await system.query('SELECT 1 FROM address_leases')).toEqual([]);
  expect(await system.query('SELECT 1 FROM ejections')).toEqual([]);
});

it('adopts into a fresh database, for the user of that name, and its DELETE leaves nothing', async () => {
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  made = answer.body.data;
  dir = path.join(home, 'moved');
  expect((await webhoster('eject', made.hosting.vm_id, dir)).code).toBe(0);
  await forgetEjected(system);
  const { code } = await webhoster('adopt', dir);
  expect(code).toBe(0);
  await until(20_000, 'the page is served', () => Promise.resolve(servedPage().includes(made.hosting.vm_id)));
  expect((await system.call('DELETE', '/host/my', { token: account.token })).status).toBe(200);
  expect(await doctor()).toEqual([0, []]);
  expect(await system.virsh('list', '--all', '--name')).not.toContain(made.hosting.vm_id);
});
