/**
 * Nothing is called well that is not: VMs that were paused, switched off, undefined or stopped behind the service's back,
 * and states that somebody changed. Each is found, told to its owner, and mended without any loss.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Doctor, doctorOf } from '../support/doctor';
import { type NodeNamespace, startNode } from '../support/node-namespace';
import { openShell, type Shell } from '../support/shell';
import {
  type Account,
  type HostAnswer,
  startSystem,
  type System,
  until,
  pageStatusOf,
} from '../worlds/system';
import { changeSpec } from '../support/rows';

jest.setTimeout(180_000);

/** Room for one base image and little more. */
const poolMiB = 256;

let node: NodeNamespace;
let system: System;
let doctor: Doctor;
let account: Account;
let made: HostAnswer;
let shell: Shell;
let vm: string;
beforeAll(async () => {
  node = await startNode();
  await node.sh(
    `mkdir -p /var/lib/libvirt/small; mount -t tmpfs -o size=${poolMiB}m tmpfs /var/lib/libvirt/small`,
  );
  // it asks its owner's page every 20 ms
  const settings = {
    ...{ POOL_DIR: '/var/lib/libvirt/small/pool', RATE_LIMIT_PER_MINUTE: '0' },
    ...{ POOL_MIN_FREE_MIB: '64', NODE_DISK_OVERCOMMIT: '100' },
  };
  system = await startSystem('micro', settings, node);
  doctor = doctorOf(system);
  account = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  made = answer.body.data;
  vm = made.hosting.vm_id;
  shell = openShell(made);
});
afterAll(async () => {
  shell.close();
  await system.close();
  await node.close();
});

const pageStatus = (): Promise<number> => pageStatusOf(system, account);
const served = (): Promise<void> =>
  until(30_000, 'the page is served', async () => (await pageStatus()) === 200);

interface Told {
  readonly status: string;
  readonly problem: string | null;
}
async function told(): Promise<Told> {
  return (await system.call('GET', '/host/my', { token: account.token })).body.data
    .hosting as unknown as Told;
}
const isTold = (status: string): Promise<void> =>
  until(30_000, `its owner is told that it is ${status}`, async () => (await told()).status === status);

/** In the guest, with its root's rights; what it says is not waited for. */
async function inGuest(command: string): Promise<void> {
  const [program = '', ...args] = node.enter(shell.argv(command));
  await new Promise<void>((resolve) => {
    try {
      execFileSync(program, args, { timeout: 15_000, stdio: 'ignore' });
    } catch {
      // the connection ends with the VM
    }
    resolve();
  });
}

it('finds a VM that was paused, tells its owner, and lets it go on', async () => {
  await system.virsh('suspend', vm);
  expect(await doctor.found()).toEqual([`paused-vm ${vm}`]);
  await isTold('paused');
  expect((await doctor.fix()).left).toEqual([]);
  await served();
  await isTold('running');
});

it('lets a VM that is paused go on when its owner wakes it', async () => {
  await system.virsh('suspend', vm);
  expect((await system.call('POST', '/host/my/wake', { token: account.token })).status).toBe(200);
  expect((await told()).status).toBe('running');
  await served();
});

it('finds a QEMU that was stopped, in time, and lets it go on', async () => {
  await node.sh(`kill -STOP $(cat /run/libvirt/qemu/${vm}.pid)`);
  expect(await doctor.found()).toEqual([`frozen-vm ${vm}`]);
  await isTold('unreachable');
  expect((await doctor.fix()).left).toEqual([]);
  await served();
});

it('tells that a VM was switched off from within, and wake starts it', async () => {
  await inGuest('sudo poweroff');
  await until(30_000, 'it is off', async () => /shut off/.test(await system.virsh('domstate', vm)));
  await isTold('off');
  expect((await told()).problem).toMatch(/wake starts it/);
  expect(await doctor.found()).toEqual([`stopped-domain ${vm}`]);
  const woken = await system.call('POST', '/host/my/wake', { token: account.token });
  expect([woken.status, woken.body.data.operation.status]).toEqual([200, 'succeeded']);
  await served();
  expect((await told()).status).toBe('running');
});

it('does not call a VM awake that went off a moment ago, and its advice is taken literally', async () => {
  await system.virsh('destroy', vm);
  const [command = ''] = /webhoster wake \S+/.exec(await doctor.advice('stopped-domain')) ?? [];
  expect(await system.webhoster(...command.split(' ').slice(1))).toMatch(/is awake/);
  await served();
});

it('names a VM that runs without a definition; apply defines it again, and doctor does', async () => {
  await system.virsh('undefine', vm);
  expect(await doctor.found()).toEqual([`undefined-domain ${vm}`]);
  await system.tryWebhoster(['plan', vm]);
  expect((await system.tryWebhoster(['drift'])).stdout).toMatch(/runs without a definition/);
  const { code } = await system.tryWebhoster(['apply', vm, '--yes']);
  expect(code).toBe(0);
  expect(await system.virsh('list', '--all', '--persistent', '--name')).toContain(vm);
  await system.virsh('undefine', vm);
  expect((await doctor.fix()).left).toEqual([]);
  expect((await system.virsh('dominfo', vm)).replaceAll(/ +/g, ' ')).toMatch(
    /Persistent: yes\nAutostart: enable/,
  );
});

it('brings a VM that was undefined and destroyed back with its disk, as doctor says', async () => {
  const disk = `${system.env.POOL_DIR ?? ''}/${made.hosting.id}.qcow2`;
  await inGuest('echo precious | sudo dd of=/dev/vda conv=fsync');
  await system.virsh('undefine', vm);
  await system.virsh('destroy', vm);
  expect(await doctor.found()).toEqual([`missing-domain ${vm}`]);
  await isTold('lost');
  const [command = ''] = /webhoster apply \S+/.exec(await doctor.advice('missing-domain')) ?? [];
  await system.webhoster(...command.split(' ').slice(1), '--yes');
  await served();
  expect(await doctor.found()).toEqual([]);
  expect(
    await node.sh(`qemu-img dd -U -f qcow2 -O raw bs=9 count=1 if=${disk} of=/tmp/${vm}; cat /tmp/${vm}`),
  ).toMatch(/precious/);
});

it('finds a disk that is full, and lets the VM go on by itself when there is room again', async () => {
  const filler = '/var/lib/libvirt/small/filler';
  await node.sh(`dd if=/dev/zero of=${filler} bs=64k 2>/dev/null || true`);
  await inGuest('sudo dd if=/dev/urandom of=/dev/vda bs=1M count=40 conv=fsync');
  await until(30_000, 'it is paused', async () => /paused/.test(await system.virsh('domstate', vm)));
  expect(await doctor.found()).toEqual([`paused-vm ${vm}`, `pool-full ${system.env.POOL_DIR ?? ''}`]);
  await isTold('paused');
  const { left } = await doctor.fix();
  expect(left).toContain(`paused-vm ${vm}`);
  // nothing is made beside those that want to go on
  const { token } = await system.newAccount();
  const refused = await system.call('POST', '/host', { token, body: {} });
  expect([refused.status, refused.body.error]).toEqual([
    507,
    expect.objectContaining({ code: 'node_full', details: { short_of: 'disk' } }),
  ]);
  const { body } = await system.call<{ status: string }>('GET', '/health/detailed');
  expect(body.data.status).toBe('degraded');
  await node.sh(`rm ${filler}`);
  await until(40_000, 'it goes on', async () => /running/.test(await system.virsh('domstate', vm)));
  await served();
});

describe('the state file of a workspace', () => {
  const file = (): string =>
    path.join(system.env.DATA_DIR ?? '', 'workspaces', made.hosting.id, 'terraform.tfstate');
  const kept = (): string[] => readdirSync(path.dirname(file())).filter((name) => /\.bad-/.test(name));

  it('that is garbage is found; the sealed copy takes its place, and the bad one is kept', async () => {
    const good = readFileSync(file(), 'utf8');
    writeFileSync(file(), 'garbage');
    expect(await doctor.found()).toEqual([`damaged-state ${vm}`]);
    expect((await system.tryWebhoster(['plan', vm])).code).toBe(0);
    expect(readFileSync(file(), 'utf8')).toBe(good);
    expect(kept().map((name) => readFileSync(path.join(path.dirname(file()), name), 'utf8'))).toEqual([
      'garbage',
    ]);
    expect(await doctor.found()).toEqual([]);
  });

  it('that was edited is found, and doctor puts the sealed copy in its place', async () => {
    const good = readFileSync(file(), 'utf8');
    const state = JSON.parse(good) as { serial: number };
    writeFileSync(file(), JSON.stringify({ ...state, serial: state.serial + 100 }));
    expect(await doctor.found()).toEqual([`edited-state ${vm}`]);
    expect((await doctor.fix()).left).toEqual([]);
    expect(readFileSync(file(), 'utf8')).toBe(good);
    const log = readFileSync(path.join(system.env.DATA_DIR ?? '', 'api.log'), 'utf8');
    expect(log.length).toBeGreaterThan(0);
  });
});

it('says of a hosting that sleeps that it does, and why a look for drift failed', async () => {
  await system.webhoster('sleep', vm, '--force');
  expect(await system.webhoster('drift')).toMatch(new RegExp(`${vm}.*asleep`));
  expect((await told()).status).toBe('sleeping');
  await system.webhoster('wake', vm);
  const setCpus = (count: number): Promise<void> =>
    changeSpec(system, made.hosting.id, '{vcpus}', String(count));
  await setCpus(0);
  await system.tryWebhoster(['plan', vm]);
  expect((await system.tryWebhoster(['drift'])).stdout).toMatch(/the latest check failed: \w+/);
  await setCpus(1);
});
