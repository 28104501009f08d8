/** What exists on a node: libvirt by virsh, and the fake that tests of operations use. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Inventory, SurveyedDomain } from '../../engine/machine/libvirt/inventory';
import { virshInventory } from '../../engine/machine/libvirt/virsh';
import { expectCommand, runCommand } from '../../engine/base/process';
import { FakeHost } from '../fakes/fake-host';

const uri = 'qemu:///system';
const never = new AbortController().signal;
const seen = (name: string, state: string, hostingId: string | null): SurveyedDomain => ({
  ...{ name, state, hostingId, reason: null, isTransient: false },
});

interface Node {
  readonly inventory: Inventory;
  readonly pool: string;
  readonly network: string;
  /** @param mark  the mark of ours in its metadata */
  addDomain(
    name: string,
    state: 'running' | 'shut off',
    mark?: { hostingId: string; pool: string },
  ): Promise<void>;
  /** Somebody pauses it, and takes its definition away. */
  pauseAndUndefine(domain: string): Promise<void>;
  addVolume(name: string): Promise<void>;
  /** A raw volume of so many KiB, as a cloud-init disk is. */
  addCloudInitDisk(name: string, kib: number): Promise<void>;
  /** What is on it. */
  contentOf(name: string): Promise<string>;
  close(): Promise<void>;
}

async function realNode(): Promise<Node> {
  const name = `ctr-${randomUUID().slice(0, 8)}`;
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-ctr-'));
  const domains: string[] = [];
  const virsh = (...args: string[]) =>
    expectCommand(['virsh', '--connect', uri, ...args], { timeoutMs: 30_000 });
  const xmlFile = (xml: string): string => {
    const file = path.join(dir, '..', `${path.basename(dir)}.xml`);
    writeFileSync(file, xml);
    return file;
  };
  await virsh('pool-create-as', name, 'dir', '--target', dir);
  await virsh('net-create', xmlFile(`<network><name>${name}</name><bridge name='${name}'/></network>`));
  return {
    inventory: virshInventory(uri),
    pool: name,
    network: name,
    addDomain: async (domain, state, mark) => {
      domains.push(domain);
      const metadata =
        mark === undefined
          ? ''
          : `<metadata><w:hosting xmlns:w='urn:vm-webhoster:hosting:1' id='${mark.hostingId}' pool='${mark.pool}'/></metadata>`;
      await virsh(
        'define',
        xmlFile(
          `<domain type='qemu'><name>${domain}</name>${metadata}<memory unit='MiB'>32</memory><os><type machine='pc'>hvm</type></os></domain>`,
        ),
      );
      if (state === 'running') await virsh('start', domain);
    },
    pauseAndUndefine: async (domain) => {
      await virsh('suspend', domain);
      await virsh('undefine', domain);
    },
    addVolume: async (volume) => {
      await virsh('vol-create-as', name, volume, '1M', '--format', 'qcow2');
    },
    addCloudInitDisk: async (volume, kib) => {
      await virsh('vol-create-as', name, volume, `${kib}K`, '--format', 'raw');
    },
    contentOf: async (volume) => {
      const file = path.join(dir, '..', `${path.basename(dir)}.iso`);
      await virsh('vol-download', volume, file, '--pool', name);
      const content = readFileSync(file, 'latin1');
      rmSync(file);
      return content;
    },
    close: async () => {
      for (const domain of domains) {
        await runCommand(['virsh', '--connect', uri, 'destroy', domain]);
        await runCommand(['virsh', '--connect', uri, 'undefine', domain]);
      }
      await virsh('net-destroy', name);
      await virsh('pool-destroy', name);
      rmSync(dir, { recursive: true });
      rmSync(`${dir}.xml`);
    },
  };
}

function fakeNode(): Promise<Node> {
  const host = new FakeHost();
  const name = 'vm-webhoster';
  return Promise.resolve({
    inventory: host.inventory,
    pool: name,
    network: name,
    addDomain: (domain, state, mark) => {
      host.domains.set(domain, state);
      if (mark) host.marks.set(domain, mark);
      return Promise.resolve();
    },
    pauseAndUndefine: (domain) => {
      host.domains.set(domain, 'paused');
      host.transient.add(domain);
      return Promise.resolve();
    },
    addVolume: (volume) => {
      host.volumes.add(`${name}/${volume}`);
      return Promise.resolve();
    },
    addCloudInitDisk: (volume, kib) => {
      host.volumes.add(`${name}/${volume}`);
      host.room.set(`${name}/${volume}`, kib * 1024);
      return Promise.resolve();
    },
    contentOf: (volume) => Promise.resolve(host.userData.get(`${name}/${volume}`) ?? ''),
    close: () => Promise.resolve(),
  });
}

describe.each<[string, () => Promise<Node>]>([
  ['libvirt by virsh', realNode],
  ['the fake inventory', fakeNode],
])('%s', (_, open) => {
  let node: Node;
  let id: string;
  beforeAll(async () => {
    node = await open();
  });
  afterAll(() => node.close(), 30_000);
  beforeEach(() => {
    id = randomUUID().slice(0, 8);
  });

  const find = (over: { domain?: string | null; pool?: string; volumes?: string[] } = {}) =>
    node.inventory.find({
      domain: `ctr-${id}`,
      pool: node.pool,
      volumes: [`${id}.qcow2`, `${id}-cidata.iso`],
      ...over,
    });

  it('the inventory finds nothing on an empty node', async () => {
    expect(await find()).toEqual({ domain: null, volumes: [] });
  });

  it('the inventory finds which of the given names exist, and nothing else', async () => {
    await node.addDomain(`ctr-${id}`, 'shut off');
    await node.addVolume(`${id}.qcow2`);
    await node.addVolume(`${id}-of-another.qcow2`);
    expect(await find()).toEqual({ domain: `ctr-${id}`, volumes: [`${id}.qcow2`] });
    expect(await find({ domain: null })).toEqual({ domain: null, volumes: [`${id}.qcow2`] });
    // a name that only begins so is another
    expect(await find({ domain: `ctr-${id.slice(0, 7)}`, volumes: [id] })).toEqual({
      domain: null,
      volumes: [],
    });
  });

  it('the inventory finds no volume in a pool that does not exist', async () => {
    expect(await find({ pool: 'ctr-no-such-pool' })).toEqual({ domain: null, volumes: [] });
  });

  it('the inventory knows the state of a domain, or that there is none', async () => {
    expect(await node.inventory.domainState(`ctr-${id}`)).toBeNull();
    await node.addDomain(`ctr-${id}`, 'shut off');
    expect(await node.inventory.domainState(`ctr-${id}`)).toBe('shut off');
    await node.addDomain(`ctr-${id}-2`, 'running');
    expect(await node.inventory.domainState(`ctr-${id}-2`)).toBe('running');
    await node.inventory.removeDomain(`ctr-${id}-2`);
  });

  it('the inventory saves a running VM and starts it again, as often as asked', async () => {
    const { inventory } = node;
    const states: (string | null)[] = [];
    const note = async (): Promise<void> => void states.push(await inventory.domainState(`ctr-${id}`));
    await node.addDomain(`ctr-${id}`, 'running');
    await inventory.save(`ctr-${id}`, never);
    await note();
    await inventory.save(`ctr-${id}`, never);
    await note();
    await inventory.start(`ctr-${id}`, never);
    await note();
    await inventory.start(`ctr-${id}`, never);
    await note();
    expect(states).toEqual(['saved', 'saved', 'running', 'running']);
    await inventory.save(`ctr-${id}`, never);
    expect((await inventory.survey(node.pool)).domains).toContainEqual({
      ...seen(`ctr-${id}`, 'saved', null),
      ...{ reason: null, isTransient: false },
    });
    await inventory.forgetSaved(`ctr-${id}`);
    await inventory.forgetSaved(`ctr-${id}`);
    expect(await inventory.domainState(`ctr-${id}`)).toBe('shut off');
    await inventory.save(`ctr-${id}`, never);
    expect(await inventory.domainState(`ctr-${id}`)).toBe('shut off');
    await inventory.removeDomain(`ctr-${id}`);
  });

  it('the inventory removes a saved domain together with its memory', async () => {
    await node.addDomain(`ctr-${id}`, 'running');
    await node.inventory.save(`ctr-${id}`, never);
    await node.inventory.removeDomain(`ctr-${id}`);
    expect(await node.inventory.domainState(`ctr-${id}`)).toBeNull();
    await node.addDomain(`ctr-${id}`, 'shut off');
    expect(await node.inventory.domainState(`ctr-${id}`)).toBe('shut off');
  });

  it('saving or starting a VM that does not exist fails and says so', async () => {
    for (const act of ['save', 'start'] as const)
      await expect(node.inventory[act](`ctr-${id}`, never)).rejects.toMatchObject({ code: 'vm_lost' });
    await expect(node.inventory.forgetSaved(`ctr-${id}`)).resolves.toBeUndefined();
  });

  it('the inventory knows what a domain will have at its next start, or that there is none', async () => {
    expect(await node.inventory.domainConfig(`ctr-${id}`)).toBeNull();
    await node.addDomain(`ctr-${id}`, 'shut off');
    expect(await node.inventory.domainConfig(`ctr-${id}`)).toEqual({ memoryMiB: 32, vcpus: 1 });
  });

  it('the survey identifies domains by their mark, and takes another installation’s and unmarked ones as foreign', async () => {
    const [ours, another] = [randomUUID(), randomUUID()];
    const name = (hostingId: string): string => `vm-${hostingId.slice(0, 8)}`;
    await node.addDomain(name(ours), 'running', { hostingId: ours, pool: node.pool });
    await node.addDomain(name(another), 'shut off', { hostingId: another, pool: 'another-pool' });
    await node.addDomain(`vm-${id}`, 'shut off');
    await node.addDomain(`ctr-${id}-with a space`, 'shut off');
    await node.addVolume(`${ours}.qcow2`);
    await node.addVolume('somebody else.img');
    const { domains, volumes } = await node.inventory.survey(node.pool);
    expect(domains).toEqual(
      expect.arrayContaining([
        seen(name(ours), 'running', ours),
        seen(name(another), 'shut off', null),
        seen(`vm-${id}`, 'shut off', null),
        seen(`ctr-${id}-with a space`, 'shut off', null),
      ]),
    );
    expect(volumes).toEqual(expect.arrayContaining([`${ours}.qcow2`, 'somebody else.img']));
    expect((await node.inventory.survey('ctr-no-such-pool')).volumes).toEqual([]);
    for (const domain of [name(ours), name(another), `vm-${id}`]) await node.inventory.removeDomain(domain);
  });

  it('the survey reports why a domain is paused, and that it has no definition', async () => {
    const name = `vm-${id}`;
    await node.addDomain(name, 'running');
    await node.pauseAndUndefine(name);
    expect((await node.inventory.survey(node.pool)).domains).toContainEqual({
      ...seen(name, 'paused', null),
      ...{ reason: 'user', isTransient: true },
    });
    await node.inventory.removeDomain(name);
  });

  it.each(['running', 'shut off'] as const)(
    'removing a domain that is %s succeeds, also a second time',
    async (state) => {
      await node.addDomain(`ctr-${id}`, state);
      await node.inventory.removeDomain(`ctr-${id}`);
      expect(await node.inventory.domainState(`ctr-${id}`)).toBeNull();
      await expect(node.inventory.removeDomain(`ctr-${id}`)).resolves.toBeUndefined();
    },
  );

  it('removing a volume removes no other, and succeeds a second time, even without its pool', async () => {
    await node.addVolume(`${id}.qcow2`);
    await node.addVolume(`${id}-cidata.iso`);
    await node.inventory.removeVolume(node.pool, `${id}.qcow2`);
    expect((await find()).volumes).toEqual([`${id}-cidata.iso`]);
    await expect(node.inventory.removeVolume(node.pool, `${id}.qcow2`)).resolves.toBeUndefined();
    await expect(node.inventory.removeVolume('ctr-no-such-pool', `${id}.qcow2`)).resolves.toBeUndefined();
    await node.inventory.removeVolume(node.pool, `${id}-cidata.iso`);
  });

  it('a cloud-init disk is rewritten as often as asked, if it exists and has room', async () => {
    const data = (text: string) => ({ userData: `#cloud-config\n# ${text}\n`, metaData: 'instance-id: x\n' });
    const rewrite = (text: string) =>
      node.inventory.rewriteCloudInit(node.pool, `${id}-cidata.iso`, data(text));
    await expect(rewrite('first')).rejects.toMatchObject({ code: 'guest_unreachable' });
    await node.addCloudInitDisk(`${id}-cidata.iso`, 400);
    await rewrite('first');
    await rewrite('second');
    expect(await node.contentOf(`${id}-cidata.iso`)).toContain(data('second').userData);
    expect(await node.contentOf(`${id}-cidata.iso`)).not.toContain(data('first').userData);
    await expect(rewrite('x'.repeat(500_000))).rejects.toMatchObject({ code: 'guest_unreachable' });
    await node.inventory.removeVolume(node.pool, `${id}-cidata.iso`);
  });

  it('the inventory reports how much memory is free', async () => {
    const { totalMiB, freeMiB: free } = await node.inventory.memory();
    expect(totalMiB).toBeGreaterThanOrEqual(free);
    expect([Number.isInteger(free), free > 0]).toEqual([true, true]);
  });

  it('the inventory knows whether pool and network both exist and are active', async () => {
    expect(await node.inventory.nodeActive(node.pool, node.network)).toBe(true);
    expect(await node.inventory.nodeActive('ctr-none', node.network)).toBe(false);
    expect(await node.inventory.nodeActive(node.pool, 'ctr-none')).toBe(false);
  });

  it('the inventory reports libvirt’s version', async () => {
    expect(await node.inventory.version()).toMatch(/^libvirt \d+\.\d+\.\d+/);
  });

  it('the inventory reports the hypervisor’s group as a number, or nothing', async () => {
    const group = await node.inventory.hypervisorGroup();
    if (group !== undefined) expect(Number.isInteger(group)).toBe(true);
  });
});

describe('libvirt by virsh, where no libvirt answers', () => {
  const dead = virshInventory('qemu:///system?socket=/nonexistent/libvirt-sock');
  const names = { domain: 'ctr-x', pool: 'ctr-x', volumes: [] };

  it.each<[string, () => Promise<unknown>]>([
    ['version', () => dead.version()],
    ['find', () => dead.find(names)],
    ['survey', () => dead.survey('ctr-x')],
    ['domainConfig', () => dead.domainConfig('ctr-x')],
    ['domainState', () => dead.domainState('ctr-x')],
    ['save', () => dead.save('ctr-x', never)],
    ['start', () => dead.start('ctr-x', never)],
    ['forgetSaved', () => dead.forgetSaved('ctr-x')],
    ['removeDomain', () => dead.removeDomain('ctr-x')],
    ['removeVolume', () => dead.removeVolume('ctr-x', 'ctr-x')],
    ['hypervisorGroup', () => dead.hypervisorGroup()],
    ['memory', () => dead.memory()],
    ['rewriteCloudInit', () => dead.rewriteCloudInit('ctr-x', 'ctr-x', { userData: '', metaData: '' })],
    ['nodeActive', () => dead.nodeActive('ctr-x', 'ctr-x')],
  ])(
    'without libvirt %s reports it as unavailable and worth a retry, and takes nothing for removed',
    async (_, ask) => {
      const thrown = (await ask().catch((error: unknown) => error)) as Error;
      expect(thrown).toMatchObject({ name: 'EngineError', code: 'libvirt_unavailable', retryable: true });
      expect(thrown.message).not.toContain('/nonexistent');
      expect((thrown.cause as Error).message).toContain('/nonexistent');
    },
  );

  it('a missing virsh is reported as such', async () => {
    const before = process.env.PATH;
    process.env.PATH = '/nonexistent';
    try {
      await expect(virshInventory(uri).version()).rejects.toMatchObject({
        code: 'libvirt_unavailable',
        message: 'virsh is not installed on the server',
      });
    } finally {
      process.env.PATH = before;
    }
  });
});
