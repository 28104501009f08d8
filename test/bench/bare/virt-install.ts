/** `virt-install --cloud-init` (Debian package virtinst) on the same image and the same network. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  bareMarker,
  baseVolume,
  type Bench,
  directKernel,
  lastAddress,
  removeDomain,
  servesPage,
  somebodysKey,
  type Tool,
  writeCloudInit,
} from './tool';

const run = promisify(execFile);

export function virtInstall({ system, dir: parent }: Bench): Tool {
  const dir = path.join(parent, 'virt-install');
  const name = `install-${system.env.POOL_NAME ?? ''}`;
  const disk = path.join(dir, 'root.qcow2');
  const { ip, mac } = lastAddress(system);
  // it makes one of each directory that it puts a file into: of the disk's, and of the cloud-init disk's
  const madePools = ['virt-install', 'boot'];
  const pools = async (): Promise<string[]> =>
    (await system.virsh('pool-list', '--all', '--name'))
      .split('\n')
      .map((each) => each.trim())
      .filter((each) => madePools.includes(each));
  let poolsBefore: string[] = [];
  return {
    name: 'virt-install',
    prepare: async () => {
      poolsBefore = await pools();
    },
    create: async ({ xml }) => {
      mkdirSync(dir);
      chmodSync(dir, 0o711);
      const { userData, metaData } = writeCloudInit(dir, somebodysKey);
      const boot = directKernel(xml);
      const size = system.env.VM_DISK_GIB ?? '1';
      const backing = `backing_store=${await baseVolume(system)},backing_format=qcow2`;
      await run('virt-install', [
        ...['--connect', 'qemu:///system', '--name', name, '--virt-type', 'qemu', '--machine', 'pc'],
        ...['--memory', system.env.VM_MEMORY_MIB ?? '128', '--vcpus', '1', '--import'],
        ...['--osinfo', 'detect=on,require=off', '--graphics', 'none', '--noautoconsole', '--wait', '0'],
        ...['--disk', `path=${disk},size=${size},format=qcow2,bus=virtio,${backing}`],
        ...['--network', `network=${system.env.NETWORK_NAME ?? ''},mac=${mac},model=virtio`],
        ...['--cloud-init', `user-data=${userData},meta-data=${metaData}`],
        ...(boot === null
          ? []
          : ['--boot', `kernel=${boot.kernel},initrd=${boot.initrd},kernel_args="${boot.cmdline}"`]),
      ]);
      await servesPage(`http://${ip}/`, bareMarker);
    },
    remove: async () => {
      await removeDomain(system, name);
      rmSync(dir, { recursive: true, force: true });
      for (const pool of (await pools()).filter((each) => !poolsBefore.includes(each))) {
        await system.virsh('pool-destroy', pool);
        await system.virsh('pool-undefine', pool);
      }
    },
  };
}
