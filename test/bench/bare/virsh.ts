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
import { buildStockDebian, type StockGuest } from './stock-debian';

const run = promisify(execFile);

function withGuest(xml: string, guest: StockGuest | null): string {
  if (guest === null) return xml;
  return xml
    .replace(/<kernel>[^<]+/, `<kernel>${guest.kernel}`)
    .replace(/<initrd>[^<]+/, `<initrd>${guest.initrd}`)
    .replace(/<cmdline>[^<]+/, `<cmdline>${guest.cmdline}`);
}

export function bareVirsh(bench: Bench): Tool {
  return onGuest(bench, 'bare virsh', null);
}

/** The same with Debian as it comes in the place of the service's own guest. */
export function stockDebian(bench: Bench): Tool {
  let guest: StockGuest;
  return {
    ...onGuest(bench, 'stock Debian 13', () => guest),
    prepare: async () => {
      guest = await buildStockDebian();
    },
  };
}

/** @param guest  null for the image that the service's own VM has */
function onGuest({ system, dir: parent }: Bench, title: string, guest: (() => StockGuest) | null): Tool {
  const dir = path.join(parent, title.replaceAll(' ', '-'));
  const name = `bare-${system.env.POOL_NAME ?? ''}`;
  const [disk, iso] = [path.join(dir, 'root.qcow2'), path.join(dir, 'cidata.iso')];
  const { ip, mac } = lastAddress(system);
  const describe = ({ xml }: Source): string =>
    withGuest(xml, guest?.() ?? null)
      .replace(/<name>[^<]+<\/name>/, `<name>${name}</name>`)
      .replace(/<uuid>[^<]+<\/uuid>/, '')
      .replace(/[^']+\.qcow2(?=')/, disk)
      .replace(/[^']+\.iso(?=')/, iso)
      .replace(/<mac address='[^']+'/, `<mac address='${mac}'`)
      .replace(/(<parameter name='IP' value=')[^']+/, `$1${ip}`);
  return {
    name: title,
    create: async (source) => {
      mkdirSync(dir);
      chmodSync(dir, 0o711);
      const base = guest?.().disk ?? (await baseVolume(system));
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
