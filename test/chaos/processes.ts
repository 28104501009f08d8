/** Who runs on this machine, read from /proc: an answer that asks neither the engine nor libvirt. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

export interface Running {
  readonly pid: number;
  readonly parent: number;
  /** Its name, without the directory. */
  readonly program: string;
  readonly args: readonly string[];
}

/** Every process whose working directory is this one. */
export function processesIn(dir: string): Running[] {
  return pids().flatMap((pid) =>
    readsAs(() => readlinkSync(`/proc/${pid}/cwd`)) === dir ? running(pid) : [],
  );
}

/** The emulators of all VMs, with their command lines. */
export function emulators(): Running[] {
  return pids().flatMap((pid) =>
    readsAs(() => readFileSync(`/proc/${pid}/comm`, 'utf8'))?.startsWith('qemu-system') === true
      ? running(pid)
      : [],
  );
}

/** Nothing when it has ended, or ended and is not reaped. */
function running(pid: number): Running[] {
  const args = readsAs(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.split('\0') ?? [];
  // after the command's closing parenthesis: state, parent
  const fields =
    readsAs(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
      ?.split(') ')
      .at(-1)
      ?.split(' ') ?? [];
  const [program = ''] = args;
  return program === '' || fields[0] === 'Z'
    ? []
    : [{ pid, parent: Number(fields[1]), program: path.basename(program), args: args.slice(1) }];
}

function pids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []));
}

function readsAs(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null; // it went meanwhile
  }
}
