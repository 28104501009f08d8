/** What VMs stand on: a machine of the test's own with a libvirt of its own, and the fake that tests of operations use. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { NodeCare, NodeNames, NodeState } from '../../engine/machine/host/node-care';
import { projectRoot } from '../../engine/base/project';
import { fakeNodeCare } from '../fakes/fake-node';
import { FakeHost } from '../fakes/fake-host';
import { type NodeNamespace, startNode } from '../support/node-namespace';

jest.setTimeout(120_000);

const names: NodeNames = {
  ...{
    pool: 'care',
    poolDir: '/run/libvirt/care',
    dataDir: '/run/libvirt',
    network: 'care',
    bridge: 'care0',
  },
  cidr: '10.93.0.0/24',
};
const reservation = { mac: '52:54:00:5d:00:02', ip: '10.93.0.2' };

type Fault =
  'network down' | 'network missing' | 'pool down' | 'no dhcp' | 'no rules' | 'no log daemon' | 'kvm closed';

interface Machine {
  readonly care: NodeCare;
  /** Breaks it. */
  damage(fault: Fault): Promise<void>;
  close(): Promise<void>;
}

function fakeMachine(): Promise<Machine> {
  const host = new FakeHost();
  host.node.state = { kvm: 'open' };
  const changes: Record<Fault, Partial<NodeState>> = {
    'network down': { network: 'inactive' },
    'network missing': { network: 'missing' },
    'pool down': { pool: 'inactive' },
    'no dhcp': { dhcp: false },
    'no rules': { rules: false },
    'no log daemon': { logDaemon: false },
    'kvm closed': { kvm: 'closed' },
  };
  return Promise.resolve({
    care: fakeNodeCare(host),
    damage: (fault) => {
      host.node.state = { ...host.node.state, ...changes[fault] };
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
}

const networkXml = `<network><name>care</name><forward mode='nat'/><bridge name='care0'/><ip address='10.93.0.1' prefix='24'>
  <dhcp><host mac='${reservation.mac}' ip='${reservation.ip}'/></dhcp></ip></network>`;
const damages: Record<Fault, string> = {
  'network down': 'virsh net-destroy care',
  'network missing': 'virsh net-destroy care; virsh net-undefine care',
  'pool down': 'virsh pool-destroy care',
  'no dhcp': 'pid=$(cat /run/libvirt/network/care.pid); kill $pid $(pgrep -P $pid); sleep 0.2',
  'no rules': 'nft flush ruleset',
  'no log daemon': 'pkill -KILL -x virtlogd',
  'kvm closed': 'chmod 600 /dev/kvm',
};

async function realMachine(): Promise<Machine> {
  const node = await startNode();
  await node.sh(`mkdir -p /run/libvirt/care; cat >/run/libvirt/care.xml <<'X'\n${networkXml}\nX
    virsh net-define /run/libvirt/care.xml; virsh net-start care
    virsh pool-define-as care dir --target /run/libvirt/care; virsh pool-start care
    mknod /run/libvirt/kvm c 10 232; chgrp kvm /run/libvirt/kvm; chmod 660 /run/libvirt/kvm; touch /dev/kvm
    mount --bind /run/libvirt/kvm /dev/kvm`);
  return {
    care: careIn(node),
    damage: async (fault) => {
      await node.sh(damages[fault]);
    },
    close: node.close,
  };
}

/** Each call is a process in the node: this one is not there. */
function careIn(node: NodeNamespace): NodeCare {
  const script = `const { linuxNodeCare } = require(process.argv[1]);
    linuxNodeCare('qemu:///system', '/run/libvirt')[process.argv[2]](...JSON.parse(process.argv[3])).then(
      (result) => console.log(JSON.stringify(result ?? null)),
      (error) => { console.error(error.code ?? error.stack); process.exit(1); },
    );`;
  const module = path.join(projectRoot, 'dist/engine/machine/host/linux-care.js');
  const call = async (method: string, args: unknown[]): Promise<unknown> => {
    const argv = node.enter([process.execPath, '-e', script, module, method, JSON.stringify(args)]);
    const { stdout } = await promisify(execFile)(argv[0] ?? '', argv.slice(1));
    return JSON.parse(stdout) as unknown;
  };
  return new Proxy({} as NodeCare, {
    get:
      (_, method: string) =>
      (...args: unknown[]) =>
        call(method, args),
  });
}

describe.each([
  ['this machine', realMachine],
  ['the fake', fakeMachine],
])('care for %s', (_, open) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await open();
  });
  afterAll(() => machine.close());

  it('the look at a healthy node finds nothing wrong', async () => {
    expect(await machine.care.look(names)).toMatchObject({
      ...{ network: 'active', pool: 'active', dhcp: true, rules: true, logDaemon: true, kvm: 'open' },
      ...{ overlaps: [], readOnly: [], frozen: [], taps: [] },
    });
  });

  it.each<[Fault, Partial<NodeState>, Partial<NodeState>, (care: NodeCare) => Promise<void>]>([
    ['network down', { network: 'inactive' }, { network: 'active' }, (care) => care.startNetwork('care')],
    ['pool down', { pool: 'inactive' }, { pool: 'active' }, (care) => care.startPool('care')],
    ['no dhcp', { dhcp: false }, { dhcp: true }, (care) => care.startDhcp('care', reservation)],
    ['no rules', { rules: false }, { rules: true }, (care) => care.restartLibvirt()],
    ['no log daemon', { logDaemon: false }, { logDaemon: true }, (care) => care.startLogDaemon()],
    ['kvm closed', { kvm: 'closed' }, { kvm: 'open' }, (care) => care.openKvm()],
  ])('the look finds %s, and mending it twice is the same as once', async (fault, broken, whole, mend) => {
    await machine.damage(fault);
    expect(await machine.care.look(names)).toMatchObject(broken);
    await mend(machine.care);
    expect(await machine.care.look(names)).toMatchObject(whole);
    await mend(machine.care);
    expect(await machine.care.look(names)).toMatchObject(whole);
  });

  it('starting a network that does not exist fails', async () => {
    await machine.damage('network missing');
    expect(await machine.care.look(names)).toMatchObject({ network: 'missing' });
    await expect(machine.care.startNetwork('care')).rejects.toThrow();
  });
});
