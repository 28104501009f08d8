/** What the service is compared with: another way to have the same VM from the same image, made and removed by hand. */
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { pageMarker, renderCloudInit } from '../../../engine/machine/guest/cloud-init';
import { type System, until } from '../../worlds/system';
import { seconds } from '../progress';

export interface Tool {
  readonly name: string;
  /** What is done once and does not count, such as taking in an image. */
  prepare?(): Promise<void>;
  /** From nothing to the page, read from the VM itself. */
  create(source: Source): Promise<void>;
  /** Waits, behind the page, until the tool is done with what it does beyond it. */
  settle?(): Promise<void>;
  /** Until nothing is left; also after a create that failed half-way. */
  remove(): Promise<void>;
  /** Takes away what `prepare` made. */
  close?(): Promise<void>;
}

/** A VM that the service made, to copy from. */
export interface Source {
  readonly id: string;
  readonly vmName: string;
  readonly ip: string;
  /** Of libvirt, inactive. */
  readonly xml: string;
  /** Its workspace's `cdk.tf.json`. */
  readonly stack: string;
}

export interface Bench {
  readonly system: System;
  /** Its own directory; QEMU may read what lies in it. */
  readonly dir: string;
}

export const bootDeadlineMs = 300_000;

/** @returns seconds until it served, and until it was gone */
export async function measureTool(tool: Tool, source: Source): Promise<{ create: number; remove: number }> {
  const create = await seconds(() => tool.create(source));
  await tool.settle?.();
  const remove = await seconds(() => tool.remove());
  return { create, remove };
}

/** The network announces every address with its MAC; the service takes the lowest ones, this is its last. */
export function lastAddress({ env }: System): { ip: string; mac: string } {
  const [a, b, c] = (env.NETWORK_CIDR ?? '').split('.').map(Number) as [number, number, number];
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return { ip: `${a}.${b}.${c}.62`, mac: `52:54:00:${hex(b)}:${hex(c)}:${hex(62)}` };
}

/** Cloud-init data of the size that the service makes. @returns the files' paths */
export function writeCloudInit(dir: string, sshPublicKey: string): { userData: string; metaData: string } {
  const { userData, metaData } = renderCloudInit({
    hostingId: '00000000-0000-4000-8000-000000000000',
    vmName: 'vm-bare',
    sshPublicKey,
    gateway: '10.90.0.1',
    welcome: {
      username: 'bare',
      vmName: 'vm-bare',
      webUrl: '',
      subdomainUrl: '',
      sshCommand: '',
      sftpCommand: '',
    },
  });
  mkdirSync(dir, { recursive: true });
  const files = { userData: path.join(dir, 'user-data'), metaData: path.join(dir, 'meta-data') };
  writeFileSync(files.userData, userData);
  writeFileSync(files.metaData, metaData);
  return files;
}

export const bareMarker = pageMarker('vm-bare');
export const somebodysKey =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+';

/** @param between  told at each look; may throw to give up */
export function servesPage(url: string, marker: string, between?: () => void): Promise<void> {
  return until(bootDeadlineMs, `${url} holds ${marker}`, () => pageHolds(url, marker), between);
}

/** Over a connection of its own: Nginx closes idle ones when it reads its configuration anew. */
export function pageHolds(url: string, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: 1000 }, (response) => {
      let page = '';
      response.on('data', (chunk: Buffer) => (page += chunk.toString()));
      response.on('close', () => {
        resolve(response.statusCode === 200 && page.includes(text));
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => {
      resolve(false);
    });
  });
}

/** The image's disk in the service's own pool. */
export async function baseVolume({ virsh, env }: System): Promise<string> {
  const found = /\S*base-\S+\.qcow2\s+(\S+)/.exec(await virsh('vol-list', env.POOL_NAME ?? ''))?.[1];
  if (found === undefined) throw new Error('no base image in the pool');
  return found;
}

/** How the guest is booted without a boot loader; null where its disk has one. */
export function directKernel(xml: string): { kernel: string; initrd: string; cmdline: string } | null {
  const of = (name: string): string | undefined =>
    new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1]?.replaceAll('&apos;', "'");
  const [kernel, initrd, cmdline] = [of('kernel'), of('initrd'), of('cmdline')];
  return kernel === undefined || initrd === undefined ? null : { kernel, initrd, cmdline: cmdline ?? '' };
}

/** Off and gone, whatever of it there is. @throws {Error} when it is still there */
export async function removeDomain({ virsh }: System, name: string): Promise<void> {
  for (const verb of ['destroy', 'undefine']) await virsh(verb, name).catch(() => undefined);
  if ((await virsh('list', '--all', '--name')).split('\n').some((each) => each.trim() === name))
    throw new Error(`${name} cannot be removed`);
}
