/** What one VM may take of the machine: as libvirt and the kernel see it, and as the guest feels it. */
import { existsSync } from 'node:fs';
import { buildProbe } from '../support/probe';
import { openShell, type Shell } from '../support/shell';
import { type HostAnswer, startSystem, type System } from '../worlds/system';

jest.setTimeout(600_000);

let system: System;
let made: HostAnswer;
let shell: Shell;
let probe: { file: string; remove: () => void };
/** Low enough to be felt under emulation on a busy machine, high enough to boot with. */
const iops = 100;
const mibps = 8;

beforeAll(async () => {
  system = await startSystem('micro', {
    REQUEST_WAIT_SECONDS: '380',
    VM_CPU_PERCENT: '90',
    VM_DISK_IOPS: String(iops),
    VM_DISK_MIBPS: String(mibps),
  });
  probe = await buildProbe();
  const { token } = await system.newAccount();
  const answer = await system.call('POST', '/host', { token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  made = answer.body.data;
  shell = openShell(made);
  await shell.upload(probe.file, '/tmp/probe');
});
afterAll(async () => {
  shell?.close();
  probe?.remove();
  await system?.close();
});

/** `name : value` lines as virsh prints them. */
async function told(command: string, ...more: string[]): Promise<Record<string, string>> {
  const text = await system.virsh(command, made.hosting.vm_id, ...more);
  return Object.fromEntries(text.split('\n').map((line) => line.split(':').map((part) => part.trim())));
}

it('has the share and the quota of its processors, as far as the node was found able to', async () => {
  const [node] = await system.query<{ limits: { cpuShares: number | null } }>('SELECT limits FROM nodes');
  // found out by starting a machine with them; without the controller libvirt refuses
  const controlled = existsSync('/sys/fs/cgroup/cpu') || existsSync('/sys/fs/cgroup/cgroup.controllers');
  expect(node?.limits.cpuShares !== null).toBe(controlled);
  if (!controlled) return;
  expect(await told('schedinfo')).toMatchObject({
    cpu_shares: String(node?.limits.cpuShares),
    vcpu_period: '100000',
    vcpu_quota: '90000',
  });
});

it('has no more memory than it was given, and its disk no more than its size', async () => {
  const xml = await system.virsh('dumpxml', made.hosting.vm_id);
  expect(xml).toContain(`<memory unit='KiB'>${128 * 1024}</memory>`);
  expect(await shell.ssh('cat /sys/block/vda/size')).toBe(`${1024 ** 3 / 512}\n`);
});

it('does no more disk operations a second than it may', async () => {
  expect(await told('blkdeviotune', 'vda')).toMatchObject({ total_iops_sec: String(iops) });
  const reads = 400;
  const ms = Number(await shell.ssh(`sudo -n /tmp/probe read /dev/vda ${reads} 4096`));
  // QEMU lets through the burst of the first tenth of a second
  expect((reads / ms) * 1000).toBeLessThanOrEqual(iops * 1.2);
  await system.virsh('blkdeviotune', made.hosting.vm_id, 'vda', '--total-iops-sec', '0', '--live');
  const free = Number(await shell.ssh(`sudo -n /tmp/probe read /dev/vda ${reads} 4096`));
  expect((reads / Math.max(free, 1)) * 1000).toBeGreaterThan(iops * 1.5);
});

it('reads no more bytes a second than it may, in operations however large', async () => {
  expect(await told('blkdeviotune', 'vda')).toMatchObject({ total_bytes_sec: String(mibps * 1024 ** 2) });
  const reads = 48;
  const readAll = async (): Promise<number> =>
    Number(await shell.ssh(`sudo -n /tmp/probe read /dev/vda ${reads} ${1024 ** 2}`)) / 1000;
  expect(reads / (await readAll())).toBeLessThanOrEqual(mibps * 1.3);
  await system.virsh('blkdeviotune', made.hosting.vm_id, 'vda', '--total-bytes-sec', '0', '--live');
  expect(reads / (await readAll())).toBeGreaterThan(mibps * 1.6);
});

it('plans to no changes with all of them', async () => {
  const { code, stdout } = await system.tryWebhoster(['plan', made.hosting.vm_id]);
  expect([code, stdout]).toEqual([0, expect.any(String)]);
});
