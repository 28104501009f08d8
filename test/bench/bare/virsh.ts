/** libvirt by hand: overlay by qemu-img, ISO by genisoimage, define and start, on the service's own domain description. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  type Bench,
  bareMarker,
  baseVolume,
  lastAddress,
  removeDomain,
  servesPage,
  somebodysKey,
  type Source,
  type Tool,
  writeCloudInit,
} from './tool';

const run = promisify(execFile);

export function bareVirsh({ system, dir: parent }: Bench): Tool {
  const dir = path.join(parent, 'virsh');
  const name = `bare-${system.env.POOL_NAME ?? ''}`;
  const [disk, iso] = [path.join(dir, 'root.qcow2'), path.join(dir, 'cidata.iso')];
  const { ip, mac } = lastAddress(system);
  const describe = ({ xml }: Source): string =>
    xml
      .replace(/<name>[^<]+<\/name>/, `<name>${name}</name>`)
      .replace(/<uuid>[^<]+<\/uuid>/, '')
      .replace(/[^']+\.qcow2(?=')/, disk)
      .replace(/[^']+\.iso(?=')/, iso)
      .replace(/<mac address='[^']+'/, `<mac address='${mac}'`)
      .replace(/(<parameter name='IP' value=')[^']+/, `$1${ip}`);
  return {
    name: 'bare virsh',
    create: async (source) => {
      mkdirSync(dir);
      chmodSync(dir, 0o711);
      const base = await baseVolume(system);
      const { userData, metaData } = writeCloudInit(dir, somebodysKey);
      const backing = ['-f', 'qcow2', '-F', 'qcow2', '-b', base];
      await run('qemu-img', ['create', '-q', ...backing, disk, `${system.env.VM_DISK_GIB ?? '1'}G`]);
      const form = ['-volid', 'cidata', '-joliet', '-rock'];
      await run('genisoimage', ['-quiet', '-output', iso, ...form, userData, metaData]);
      writeFileSync(path.join(dir, 'domain.xml'), describe(source));
      await system.virsh('define', path.join(dir, 'domain.xml'));
      await system.virsh('start', name);
      await servesPage(`http://${ip}/`, bareMarker);
    },
    remove: async () => {
      await removeDomain(system, name);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
