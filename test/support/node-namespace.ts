/**
 * A node of a test's own on this machine: its own network, processes and mounts, with a libvirtd and a virtlogd that
 * nobody else has. What is killed, flushed, destroyed or mounted there touches nobody, and all of it is gone when the
 * node is closed, however the test ended: its first process goes with whoever started it, and takes the others along.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from './until';

const run = promisify(execFile);

export interface NodeNamespace {
  /** Where the node can be reached from outside; whoever is to be reached listens on every address. */
  readonly address: string;
  /** The program and arguments that run a command in there. */
  enter(argv: readonly string[]): string[];
  /** Runs a shell's text in there. @returns what it prints */
  sh(text: string): Promise<string>;
  close(): Promise<void>;
}

/**
 * $1 is a directory for all that libvirt writes. /sys shows the network that it was mounted in, so it is mounted anew, and
 * without the cgroups that others have. The shell stays as process 1 and takes in what daemons leave behind: libvirt
 * waits for QEMUs of its own to be gone.
 */
const setUp = `
set -e
umount -R -l /sys; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /dev/shm
for part in lib:/var/lib run:/run etc:/etc cache:/var/cache log:/var/log; do
  from=$1/\${part%%:*}; to=\${part#*:}/libvirt; mkdir -p "$from" "$to"
  # what libvirt found out about QEMU is as true here; what others defined is not ours
  case $to in /etc/*|/var/cache/*) cp -a "$to/." "$from/" ;; esac
  mount --bind "$from" "$to"
done
rm -rf /etc/libvirt/qemu/*.xml /etc/libvirt/qemu/autostart /etc/libvirt/qemu/networks /etc/libvirt/storage /etc/libvirt/nwfilter/*-guests.xml
mkdir -p /var/lib/libvirt/images /var/lib/libvirt/dnsmasq /var/lib/libvirt/qemu /var/lib/libvirt/boot
ip link set lo up
virtlogd --daemon --pid-file /run/libvirt/virtlogd.pid
libvirtd --daemon --pid-file /run/libvirt/libvirtd.pid
touch "$1/up"
sleep infinity & wait
`;

export async function startNode(): Promise<NodeNamespace> {
  const dir = mkdtempSync('/var/lib/webhoster-node-');
  await run('chmod', ['711', dir]);
  const isolated = ['--mount', '--net', '--pid', '--ipc', '--fork', '--kill-child', '--mount-proc'];
  const outer = spawn(
    'setpriv',
    [
      '--pdeathsig',
      'KILL',
      'unshare',
      ...isolated,
      '--propagation',
      'private',
      'bash',
      '-c',
      setUp,
      'node',
      dir,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise((resolve) => outer.once('exit', resolve));
  const close = async (): Promise<void> => {
    outer.kill('SIGKILL');
    await ended;
    // its mounts go with its last process
    await until(20_000, 'the files of the node are free', () => {
      rmSync(dir, { recursive: true, force: true });
      return Promise.resolve(!existsSync(dir));
    });
  };
  try {
    await until(30_000, 'the node is up', () => {
      if (outer.exitCode !== null) throw new Error('the node could not be set up; its story is above');
      return Promise.resolve(existsSync(path.join(dir, 'up')));
    });
    const first = childOf(outer.pid ?? -1);
    const enter = (argv: readonly string[]): string[] => [
      'nsenter',
      '--all',
      '--target',
      String(first),
      ...argv,
    ];
    const address = await connect(first, enter);
    const sh = async (text: string): Promise<string> => {
      const [program = '', ...args] = enter(['bash', '-c', text]);
      return (await run(program, args, { maxBuffer: 1 << 24 })).stdout;
    };
    return { address, enter, sh, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The process that another one has started. */
export function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

/** A pair of network cards from here to there. No route leads further. @returns the address there */
async function connect(pid: number, enter: (argv: readonly string[]) => string[]): Promise<string> {
  const id = randomBytes(4).toString('hex');
  const network = `10.98.${randomInt(256)}.${randomInt(64) * 4}`;
  const [here, there] = [1, 2].map((last) =>
    network.replace(/\d+$/, (first) => String(Number(first) + last)),
  );
  const [outside, inside] = [`whn${id}o`, `whn${id}i`];
  const ip = (...args: string[]): Promise<unknown> => run('ip', args);
  const ipThere = (...args: string[]): Promise<unknown> => {
    const [program = '', ...rest] = enter(['ip', ...args]);
    return run(program, rest);
  };
  await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', String(pid));
  await ip('address', 'add', `${here ?? ''}/30`, 'dev', outside);
  await ip('link', 'set', outside, 'up');
  await ipThere('address', 'add', `${there ?? ''}/30`, 'dev', inside);
  await ipThere('link', 'set', inside, 'up');
  return there ?? '';
}
