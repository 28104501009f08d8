/** The same distribution as it comes: what the guest `debian-13` is measured beside. Built once, kept by its recipe. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../../engine/base/project';
import { cacheDir } from '../../support/postgres';

export interface StockGuest {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly cmdline: string;
}

const recipe = path.join(projectRoot, 'test/bench/stock-debian-13/build.sh');

function stockGuest(): StockGuest {
  const checksum = createHash('sha256').update(readFileSync(recipe)).digest('hex').slice(0, 16);
  const dir = path.join(cacheDir, 'bench', `stock-debian-13-${checksum}`);
  const file = (name: string): string => path.join(dir, name);
  return {
    disk: file('disk.qcow2'),
    kernel: file('vmlinuz'),
    initrd: file('initrd'),
    // as everywhere under emulation: QEMU 7.2 crashes this kernel over the instruction (images/README.md)
    cmdline: 'root=/dev/vda ro console=ttyS0 clearcpuid=cx16',
  };
}

/** Two minutes for the first time. @throws when packages cannot be had */
export async function buildStockDebian(): Promise<StockGuest> {
  const guest = stockGuest();
  const dir = path.dirname(guest.disk);
  if (existsSync(dir)) return guest;
  rmSync(`${dir}.building`, { recursive: true, force: true });
  mkdirSync(path.dirname(dir), { recursive: true });
  await promisify(execFile)('bash', [recipe, `${dir}.building`]);
  renameSync(`${dir}.building`, dir);
  return guest;
}
