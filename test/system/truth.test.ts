/**
 * Nothing is called well that is not: what VMs stand on is broken in a node of the test's own, part by part. Each fault is
 * found, named by the health of the service and told to owners, and mended by `doctor --fix` or by what doctor says.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../engine/base/project';
import { type Doctor, doctorOf } from '../support/doctor';
import { type NodeNamespace, startNode } from '../support/node-namespace';
import {
  type Account,
  type HostAnswer,
  startSystem,
  type System,
  until,
  pageStatusOf,
} from '../worlds/system';

jest.setTimeout(180_000);

let node: NodeNamespace;
let system: System;
let doctor: Doctor;
let account: Account;
let made: HostAnswer;
let network: string;
beforeAll(async () => {
  node = await startNode();
  // it asks its owner's page every 20 ms
  system = await startSystem('micro', { EGRESS: 'open', RATE_LIMIT_PER_MINUTE: '0' }, node);
  doctor = doctorOf(system);
  account = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  made = answer.body.data;
  network = system.env.NETWORK_NAME ?? '';
});
afterAll(async () => {
  await system.close();
  await node.close();
});

const pageStatus = (): Promise<number> => pageStatusOf(system, account);
const served = (): Promise<void> =>
  until(20_000, 'the page is served', async () => (await pageStatus()) === 200);

async function health(): Promise<Record<string, { status: string; detail: string }>> {
  const headers = { authorization: `Bearer ${system.env.METRICS_TOKEN ?? ''}` };
  const response = await fetch(`${system.api}/api/v1/health/detailed`, { headers });
  type Component = { name: string; status: string; detail: string };
  const body = (await response.json()) as {
    data?: { components: Component[] };
    error?: { details: { components: Component[] } };
  };
  const components = (body.data ?? body.error?.details)?.components ?? [];
  return Object.fromEntries(components.map((each) => [each.name, each]));
}

async function statusTold(): Promise<string> {
  return (await system.call('GET', '/host/my', { token: account.token })).body.data.hosting.status;
}

const bridge = (): string => system.env.NETWORK_BRIDGE ?? '';
const libvirtRules = (): Promise<string> =>
  node.sh(`nft list ruleset 2>/dev/null | grep -c 'ifname "${bridge()}"\\|libvirt-I-' || true`);

it('finds nothing where everything is in order', async () => {
  expect(await doctor.found()).toEqual([]);
  for (const [name, { status, detail }] of Object.entries(await health()))
    expect([name, status, detail]).toEqual([name, 'ok', detail]);
});

describe('a network that was destroyed', () => {
  const destroy = async (): Promise<void> => {
    await system.virsh('net-destroy', network);
    expect(await pageStatus()).toBeGreaterThanOrEqual(500);
  };

  it('is found, told, and started by doctor with its VMs plugged in', async () => {
    await destroy();
    expect(await doctor.found()).toEqual([`network-down ${network}`]);
    expect((await health()).network).toMatchObject({ status: 'down' });
    await until(30_000, 'its owner is told', async () => (await statusTold()) === 'unreachable');
    expect((await doctor.fix()).left).toEqual([]);
    await served();
    await until(30_000, 'its owner is told', async () => (await statusTold()) === 'running');
  });

  it('is started by `node prepare`, which says that it did', async () => {
    await destroy();
    expect(await system.webhoster('node', 'prepare')).toMatch(/fixed: VM network is down/);
    await served();
    expect(await doctor.found()).toEqual([]);
  });

  it('that somebody started by hand leaves VMs in the air, and doctor plugs them in, apart from each other', async () => {
    await destroy();
    await system.virsh('net-start', network);
    expect(await doctor.found()).toEqual([`unplugged-vm ${made.hosting.vm_id}`]);
    expect(await doctor.fix()).toMatchObject({ left: [] });
    await served();
    expect(await node.sh(`ip -details link show master ${bridge()} type tun`)).toMatch(/isolated on/);
  });

  it('and undefined is made again by `node prepare`, as doctor says', async () => {
    await destroy();
    await system.virsh('net-undefine', network);
    expect(await doctor.found()).toEqual([`network-gone ${network}`]);
    expect(await doctor.advice('network-gone')).toBe('webhoster node prepare');
    await system.webhoster('node', 'prepare');
    await served();
    expect(await doctor.found()).toEqual([]);
  });
});

it('finds that the DHCP server was killed, and brings it back without unplugging VMs', async () => {
  const plugged = await node.sh(`ls /sys/class/net/${bridge()}/brif`);
  // it has a child; its pid file stays, and is a stale one
  await node.sh(`pid=$(cat /run/libvirt/network/${network}.pid); kill $pid $(pgrep -P $pid)`);
  await until(5_000, 'it is found', async () => (await doctor.found()).includes(`dhcp-down ${network}`));
  expect((await health()).network).toMatchObject({ status: 'degraded' });
  expect(await doctor.fix()).toEqual({ found: [`dhcp-down ${network}`], left: [] });
  expect(await node.sh(`ls /sys/class/net/${bridge()}/brif`)).toBe(plugged);
  expect(await pageStatus()).toBe(200);
});

it("finds that the kernel's rules were flushed, and brings libvirt's back, those of VMs too", async () => {
  const before = Number(await libvirtRules());
  await node.sh('nft flush ruleset');
  expect(await doctor.found()).toEqual([`filter-missing ${made.hosting.vm_id}`, `rules-missing ${network}`]);
  expect((await health()).network).toMatchObject({ status: 'degraded' });
  expect((await doctor.fix()).left).toEqual([]);
  await until(20_000, 'all rules are back', async () => Number(await libvirtRules()) === before);
  await served();
});

describe('virtlogd that was killed', () => {
  const kill = async (): Promise<void> => {
    await node.sh('pkill -KILL -x virtlogd; echo 1 >/run/libvirt/virtlogd.pid');
    expect(await doctor.found()).toEqual(['log-daemon-down virtlogd']);
  };
  const creates = async (): Promise<void> => {
    const other = await system.newAccount();
    const answer = await system.call('POST', '/host', { token: other.token, body: {} });
    expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
    await system.call('DELETE', '/host/my', { token: other.token });
  };

  it('is found and started by doctor, and VMs can start', async () => {
    await kill();
    expect((await health()).libvirt).toMatchObject({ status: 'degraded' });
    expect((await doctor.fix()).left).toEqual([]);
    await creates();
  });

  it('is started by start.sh, which does not call it ready before', async () => {
    await kill();
    const step = `cd ${projectRoot}; DATA_DIR=${system.env.DATA_DIR ?? ''} LIBVIRT_URI=qemu:///system
      . scripts/lib/steps.sh; . scripts/lib/environment.sh; . scripts/lib/processes.sh; . scripts/lib/libvirt.sh
      RUN_DIR=$DATA_DIR/run; DRY_RUN=; need_libvirt && do_libvirt && ! need_libvirt && echo mended`;
    expect(await node.sh(step)).toMatch(/mended/);
    expect(await doctor.found()).toEqual([]);
  });
});

it('starts libvirtd where stale pid files of all daemons lie', async () => {
  await node.sh('pkill -KILL -x libvirtd; while pgrep -x libvirtd; do sleep 0.05; done; true');
  expect((await health()).libvirt).toMatchObject({ status: 'down' });
  const step = `cd ${projectRoot}; DATA_DIR=${system.env.DATA_DIR ?? ''} LIBVIRT_URI=qemu:///system
    . scripts/lib/steps.sh; . scripts/lib/environment.sh; . scripts/lib/processes.sh; . scripts/lib/libvirt.sh
    RUN_DIR=$DATA_DIR/run; DRY_RUN=; echo 1 >$RUN_DIR/libvirtd.pid; need_libvirt && do_libvirt && echo mended`;
  expect(await node.sh(step)).toMatch(/mended/);
  expect(await doctor.found()).toEqual([]);
});

it('finds that QEMU may not open /dev/kvm, and gives it what the distribution gives it', async () => {
  await node.sh(
    'mknod /run/libvirt/kvm c 10 232; chmod 600 /run/libvirt/kvm; mount --bind /run/libvirt/kvm /dev/kvm',
  );
  try {
    expect(await doctor.found()).toEqual(['kvm-closed /dev/kvm']);
    expect((await health()).libvirt).toMatchObject({ status: 'degraded' });
    expect((await doctor.fix()).left).toEqual([]);
    expect(await node.sh('stat -c "%a %G" /dev/kvm')).toBe('660 kvm\n');
  } finally {
    await node.sh('umount /dev/kvm');
  }
});

it('refuses to prepare a network that overlaps a route of the host, and finds one that came later', async () => {
  const cidr = system.env.NETWORK_CIDR ?? '';
  const route = cidr.replace(/\.\d+\/26$/, '.16/28');
  await node.sh(
    `ip link add other type veth peer name otherside; ip link set otherside up; ip link set other up; ip route add ${route} dev other`,
  );
  expect(await doctor.found()).toEqual([`network-overlap ${cidr}`]);
  expect((await health()).network).toMatchObject({ status: 'degraded' });
  const { code } = await system.tryWebhoster(['node', 'prepare'], { NETWORK_CIDR: route });
  expect(code).toBe(1);
  const [command = ''] = /ip route del [^)]+/.exec(await doctor.advice('network-overlap')) ?? [];
  await node.sh(command);
  expect(await doctor.found()).toEqual([]);
  expect(await system.webhoster('node', 'prepare')).toMatch(/is ready/);
  await node.sh('ip link del other');
});

it('finds a file system that cannot be written any more', async () => {
  const pool = system.env.POOL_DIR ?? '';
  await node.sh(`mount --bind ${pool} ${pool}; mount -o remount,ro,bind ${pool}`);
  expect(await doctor.found()).toEqual([`read-only ${pool}`]);
  expect((await health()).disk).toMatchObject({ status: 'degraded' });
  const [command = ''] = /mount -o remount.*/.exec(await doctor.advice('read-only')) ?? [];
  await node.sh(command);
  expect(await doctor.found()).toEqual([]);
  await node.sh(`umount ${pool}`);
});

it('finds that the pool is off, and starts it', async () => {
  await system.virsh('pool-destroy', system.env.POOL_NAME ?? '');
  expect(await doctor.found()).toContain(`pool-down ${system.env.POOL_NAME ?? ''}`);
  expect((await doctor.fix()).left).toEqual([]);
});

it('tells in the log what was found, once, and that all is in order again', () => {
  const log = readFileSync(path.join(system.env.DATA_DIR ?? '', 'api.log'), 'utf8');
  expect(log).toMatch(/not all is in order/);
  expect(log).toMatch(/in order again/);
});
