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
  return {
    name: 'virt-install',
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
      await system.virsh('destroy', name);
      await system.virsh('undefine', '--nvram', name);
      rmSync(dir, { recursive: true });
      // it makes a pool of the directory that the disk lies in
      await system.virsh('pool-destroy', 'virt-install').catch(() => undefined);
      await system.virsh('pool-undefine', 'virt-install').catch(() => undefined);
    },
  };
}
