/** What Terraform's contract runs against: real workspaces on a real libvirt, and the fake that tests of operations use. */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { virshInventory } from '../../../engine/machine/libvirt/virsh';
import { expectCommand } from '../../../engine/base/process';
import { terraformCli } from '../../../engine/machine/terraform/cli';
import type { Terraform } from '../../../engine/machine/terraform/terraform';
import type { HostingSpec } from '../../../stacks';
import { renderStack } from '../../../stacks/render';
import { FakeHost } from '../../fakes/fake-host';
import { cacheDir } from '../../support/postgres';

export const uri = 'qemu:///system';

/** Where hostings of a contract test are made. */
export interface Host {
  readonly pool: string;
  readonly network: string;
  readonly baseVolumePath: string;
  readonly terraform: Terraform;
  /** What belongs into cdk.tf.json. */
  render(spec: HostingSpec): string;
  /** Takes a VM away behind Terraform's back. */
  loseDomain(spec: HostingSpec): Promise<void>;
  /** Every name of the specification that exists. */
  present(spec: HostingSpec): Promise<string[]>;
  close(): Promise<void>;
}

export async function realHost(): Promise<Host> {
  const name = `ctr-${randomUUID().slice(0, 8)}`;
  // QEMU's own user must get there, which it does not in a temporary directory of ours
  const dir = mkdtempSync('/var/lib/libvirt/ctr-');
  chmodSync(dir, 0o711);
  const configDir = mkdtempSync(path.join(tmpdir(), 'webhoster-ctr-'));
  const virsh = (...args: string[]) =>
    expectCommand(['virsh', '--connect', uri, ...args], { timeoutMs: 30_000 });
  const baseVolumePath = path.join(dir, 'base.qcow2');
  await expectCommand(['qemu-img', 'create', '-q', '-f', 'qcow2', baseVolumePath, '1M']);
  await virsh('pool-create-as', name, 'dir', '--target', dir);
  // no address, no DHCP: nothing travels here
  writeFileSync(
    path.join(configDir, 'network.xml'),
    `<network><name>${name}</name><bridge name='${name}'/></network>`,
  );
  await virsh('net-create', path.join(configDir, 'network.xml'));
  const inventory = virshInventory(uri);
  const made: HostingSpec[] = [];
  return {
    pool: name,
    network: name,
    baseVolumePath,
    terraform: await terraformCli({
      program: process.env.TERRAFORM_BIN ?? 'terraform',
      providerMirrorDir: path.join(cacheDir, 'providers'),
      configDir,
    }),
    render: (spec) => {
      made.push(spec);
      return renderStack(spec);
    },
    loseDomain: ({ vmName }) => inventory.removeDomain(vmName),
    present: async (spec) => {
      const found = await inventory.find(namesOf(spec));
      return [...found.volumes, ...(found.domain === null ? [] : [found.domain])];
    },
    close: async () => {
      for (const spec of made) {
        await inventory.removeDomain(spec.vmName);
        for (const volume of namesOf(spec).volumes) await inventory.removeVolume(name, volume);
      }
      await virsh('net-destroy', name);
      await virsh('pool-destroy', name);
      rmSync(dir, { recursive: true });
      rmSync(configDir, { recursive: true });
    },
  };
}

export function fakeHost(): Promise<Host> {
  const host = new FakeHost();
  return Promise.resolve({
    pool: 'vm-webhoster',
    network: 'vm-webhoster',
    baseVolumePath: '/pool/base.qcow2',
    terraform: host.terraform,
    render: (spec) => JSON.stringify(spec),
    loseDomain: ({ vmName }) => host.inventory.removeDomain(vmName),
    present: async (spec) => {
      const found = await host.inventory.find(namesOf(spec));
      return [...found.volumes, ...(found.domain === null ? [] : [found.domain])];
    },
    close: () => Promise.resolve(),
  });
}

export function namesOf({ hostingId, vmName, node: { pool } }: HostingSpec) {
  return { domain: vmName, pool, volumes: [`${hostingId}.qcow2`, `${hostingId}-cidata.iso`] };
}
