/** What the figures were measured on. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import path from 'node:path';
import { imageBuilder } from '../../engine/machine/images/builder';
import { projectRoot, recipesDir } from '../../engine/base/project';
import { benchImages } from './options';

export interface Machine {
  readonly at: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryMiB: number;
  readonly kernel: string;
  /** Whether the device is there. The guests of the bench are emulated all the same, so that machines compare. */
  readonly kvmDevice: boolean;
  /** Of one, five and fifteen minutes, before anything was measured. */
  readonly loadAverage: readonly number[];
  /** Guest image -> the first sixteen digits of its recipe's checksum; those that are built. */
  readonly images: Readonly<Record<string, string>>;
  /** Program -> what it says of itself; programs that are not there are left out. */
  readonly versions: Readonly<Record<string, string>>;
  readonly commit: string;
}

const programs: Readonly<Record<string, readonly string[]>> = {
  nginx: ['nginx', '-v'],
  terraform: ['terraform', 'version'],
  libvirt: ['virsh', '--version'],
  qemu: ['qemu-system-x86_64', '--version'],
  wrk: ['wrk', '-v'],
  'virt-install': ['virt-install', '--version'],
  vagrant: ['vagrant', '--version'],
};

export async function machineFacts(cacheDir: string): Promise<Machine> {
  const versions = Object.entries(programs).flatMap(([name, argv]) => {
    const version = /\d+\.\d+(\.\d+)*/.exec(said(argv))?.[0];
    return version === undefined ? [] : [[name, version] as const];
  });
  return {
    at: new Date().toISOString(),
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 1024 ** 2),
    kernel: release(),
    kvmDevice: existsSync('/dev/kvm'),
    loadAverage: loadavg().map((load) => Math.round(load * 100) / 100),
    images: await checksums(path.join(cacheDir, 'images')),
    versions: { node: process.versions.node, ...Object.fromEntries(versions), ...postgres(cacheDir) },
    commit: said(['git', '-C', projectRoot, 'describe', '--always', '--dirty']).trim(),
  };
}

/** Both outputs: Nginx and wrk tell their version as if it were an error. */
function said([program = '', ...args]: readonly string[]): string {
  try {
    return execFileSync('sh', ['-c', '"$@" 2>&1 || true', 'sh', program, ...args], {
      encoding: 'utf8',
      timeout: 30_000,
    });
  } catch {
    return '';
  }
}

async function checksums(imagesDir: string): Promise<Record<string, string>> {
  const images = imageBuilder({ recipesDir, imagesDir });
  const found = await Promise.all(benchImages.map((name) => images.find(name)));
  return Object.fromEntries(
    found.flatMap((image) => (image === null ? [] : [[image.name, image.checksum.slice(0, 16)] as const])),
  );
}

function postgres(cacheDir: string): { postgres?: string } {
  const dir = path.join(cacheDir, 'postgres');
  const version = existsSync(dir) ? readdirSync(dir).sort().at(-1) : undefined;
  return version === undefined ? {} : { postgres: version };
}
