/**
 * Who listens where on this machine, as the kernel tells it. Nothing is opened to find out: a port that a look holds for
 * a moment is one that Nginx cannot have at that moment.
 */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface Listener {
  readonly port: number;
  /** Of its socket, by which its program is found. */
  readonly inode: string;
}

/** Whether there is any IPv6 address: without one, `[::]` cannot be listened on. */
export function hasIpv6(): boolean {
  const file = '/proc/net/if_inet6';
  return existsSync(file) && readFileSync(file, 'utf8').trim() !== '';
}

/** Every TCP port that somebody listens on, at whatever address: Nginx takes all addresses of a port. */
export async function listeners(): Promise<Listener[]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'latin1').catch(() => '')),
  );
  return tables.flatMap(parseListeners);
}

const listening = '0A';

/** @param table  a line of it: number, own address and port in hexadecimal, the other side, state, …, inode */
export function parseListeners(table: string): Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    return state === listening ? [{ port: parseInt(local.split(':')[1] ?? '', 16), inode }] : [];
  });
}

export interface Program {
  readonly pid: number;
  readonly name: string;
  /** Its working directory. */
  readonly dir: string;
}

/**
 * The programs that hold these sockets, by inode. One of another user or container is not seen by who is not root, and
 * is left out.
 */
export async function programsOf(inodes: ReadonlySet<string>): Promise<Map<string, Program>> {
  const found = new Map<string, Program>();
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    if (found.size === inodes.size) break;
    for (const inode of await socketsOf(pid)) {
      if (!inodes.has(inode) || found.has(inode)) continue;
      const program = programOf(pid);
      if (program !== null) found.set(inode, program);
    }
  }
  return found;
}

async function socketsOf(pid: string): Promise<string[]> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(files.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}

function programOf(pid: string): Program | null {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return { pid: Number(pid), name, dir: readlinkSync(`/proc/${pid}/cwd`) };
  } catch {
    // it has ended
    return null;
  }
}
