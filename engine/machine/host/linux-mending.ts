/** Brings back what a look found missing. Each is safe to repeat, and none of it unplugs or stops a VM. */
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../../base/errors';
import { inTemporaryDirectory, replaceFile } from '../../base/files';
import { refuse, runVirsh } from '../libvirt/run-virsh';
import { type CommandResult, runCommand } from '../../base/process';
import { kvmDevice } from './kvm';
import { listenerOf, takesConnections } from './listener';
import type { NodeCare } from './node-care';

const timeoutMs = 30_000;

export interface Place {
  readonly uri: string;
  /** Of libvirt's sockets; null when the node is another machine. */
  readonly sockets: string | null;
  readonly runDir: string;
}

export function mending({ uri, sockets, runDir }: Place): Omit<NodeCare, 'look' | 'poolRoom'> {
  const virsh = async (...args: string[]): Promise<CommandResult> => {
    const result = await runVirsh(uri, args, { timeoutMs });
    return result.code === 0 ? result : refuse(result);
  };
  const started = async (verb: 'net-start' | 'pool-start', name: string): Promise<void> => {
    const result = await runVirsh(uri, [verb, name], { timeoutMs });
    if (result.code !== 0 && !/already active/.test(result.stderr)) refuse(result);
  };
  return {
    startNetwork: (name) => started('net-start', name),
    startPool: (name) => started('pool-start', name),
    plug: async (tap, bridge) => {
      await must(['ip', 'link', 'set', 'dev', tap, 'master', bridge]);
      // the kernel forgets it with the bridge
      await must(['ip', 'link', 'set', 'dev', tap, 'type', 'bridge_slave', 'isolated', 'on']);
    },
    startDhcp: async (network, { mac, ip }) => {
      // a reservation as it is: libvirt tells the server of it, and starts one where there is none
      await virsh(
        'net-update',
        network,
        'modify',
        'ip-dhcp-host',
        `<host mac='${mac}' ip='${ip}'/>`,
        '--live',
      );
    },
    restartLibvirt: () => restartLibvirt(uri, sockets),
    startLogDaemon: () => startLogDaemon(sockets, runDir),
    openKvm: async () => {
      const { stdout } = await must(['getent', 'group', 'kvm']);
      await chown(kvmDevice, 0, Number(stdout.split(':')[2]));
      await chmod(kvmDevice, 0o660);
    },
    continueVm: async (name) => {
      const pidFile = path.join(sockets ?? '/run/libvirt', 'qemu', `${name}.pid`);
      process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGCONT');
      await Promise.resolve();
    },
    defineAgain: async (name) => {
      const { stdout } = await virsh('dumpxml', '--inactive', '--security-info', name);
      await inTemporaryDirectory(async (directory) => {
        const file = path.join(directory, 'domain.xml');
        await replaceFile(file, stdout);
        await virsh('define', file);
      });
      await virsh('autostart', name);
    },
  };
}

const hasSystemd = (): boolean => existsSync('/run/systemd/system');

async function must(argv: readonly string[]): Promise<CommandResult> {
  const result = await runCommand(argv, { timeoutMs }).catch((cause: unknown) => {
    throw new EngineError('node_not_ready', `${argv[0] ?? ''} cannot be used on this server`, { cause });
  });
  if (result.code === 0) return result;
  throw new EngineError('node_not_ready', 'The server refused the repair', {
    cause: new Error(`${argv.join(' ')}: ${result.stderr.trim().slice(0, 4000)}`),
  });
}

const elsewhere = (unit: string): EngineError =>
  new EngineError(
    'libvirt_unavailable',
    `It runs where the service cannot reach it; restart it there: systemctl restart ${unit} (VMs keep running)`,
  );

/** Daemons write files that others read, as dnsmasq the list of its hosts: they do not take our umask. */
const asDaemon = 'umask 022; exec "$@"';
/** The one that answers ends, and is started again as it was, where it was: it may have a view of its own of /dev. */
const startAgain = `kill -TERM "$0"; while [ -e "/proc/$0/exe" ]; do sleep 0.05; done; ${asDaemon}`;

async function restartLibvirt(uri: string, sockets: string | null): Promise<void> {
  if (sockets === null) throw elsewhere('libvirtd');
  if (hasSystemd()) await must(['systemctl', 'restart', 'libvirtd']);
  else {
    const pid = await listenerOf(path.join(sockets, 'libvirt-sock'));
    if (pid === null) throw elsewhere('libvirtd');
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').filter((arg) => arg !== '');
    await must(['nsenter', '-t', String(pid), '-m', 'sh', '-c', startAgain, String(pid), ...argv]);
  }
  const answer = await runVirsh(uri, ['uri'], { timeoutMs });
  if (answer.code !== 0) refuse(answer);
}

async function startLogDaemon(sockets: string | null, runDir: string): Promise<void> {
  if (sockets === null) throw elsewhere('virtlogd');
  const socket = path.join(sockets, 'virtlogd-sock');
  if (await takesConnections(socket)) return;
  if (hasSystemd()) await must(['systemctl', 'start', 'virtlogd.socket', 'virtlogd']);
  else {
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    // as scripts/start.sh does, which ends it by this file
    const virtlogd = ['virtlogd', '--daemon', '--pid-file', path.join(runDir, 'virtlogd.pid')];
    await must(['sh', '-c', asDaemon, 'virtlogd', ...virtlogd]);
  }
  if (!(await takesConnections(socket))) throw elsewhere('virtlogd');
}
