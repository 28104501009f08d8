/** A node that is this machine, by `virsh`, `ip`, `ss` and `nft`. */
import { access, constants, readdir, readFile, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { PoolRoom } from '../../model/capacity';
import { allOf } from '../../base/each-of';
import { runVirsh } from '../libvirt/run-virsh';
import { type CommandResult, runCommand } from '../../base/process';
import { hasDhcp, hasNetworkRules, overlapping, parseTaps, socketDirectory } from './kernel-output';
import { kvmAccess } from './kvm';
import { mending } from './linux-mending';
import { listenerOf, takesConnections } from './listener';
import type { Activity, NodeCare, NodeNames, NodeState } from './node-care';

const timeoutMs = 10_000;

/** @param runDir  where pid files of daemons lie that nobody but we started */
export function linuxNodeCare(uri: string, runDir: string): NodeCare {
  const sockets = socketDirectory(uri);
  const virsh = (...args: string[]): Promise<CommandResult> => runVirsh(uri, args, { timeoutMs });
  return {
    ...mending({ uri, sockets, runDir }),
    poolRoom: async (directory) => (sockets === null ? null : roomOf(directory)),
    look: async (node) => {
      const [network, pool, onMachine] = await allOf([
        activity(virsh, 'net-list', node.network),
        activity(virsh, 'pool-list', node.pool),
        sockets === null ? unknown : lookAtMachine(node, sockets),
      ]);
      return { network, pool, ...onMachine };
    },
  };
}

type OnMachine = Omit<NodeState, 'network' | 'pool'>;

/** Of a node that is another machine. */
const unknown: Promise<OnMachine> = Promise.resolve({
  dhcp: null,
  taps: null,
  rules: null,
  logDaemon: null,
  kvm: 'absent',
  overlaps: [],
  readOnly: [],
  poolFreeBytes: null,
  frozen: [],
  booting: [],
});

async function activity(
  virsh: (...args: string[]) => Promise<CommandResult>,
  list: 'net-list' | 'pool-list',
  name: string,
): Promise<Activity> {
  const [active, all] = await Promise.all([virsh(list, '--name'), virsh(list, '--all', '--name')]);
  const names = ({ stdout }: CommandResult): string[] => stdout.split('\n').map((line) => line.trim());
  if (names(active).includes(name)) return 'active';
  return names(all).includes(name) ? 'inactive' : 'missing';
}

async function lookAtMachine(node: NodeNames, sockets: string): Promise<OnMachine> {
  const [links, listening, ruleset, routes, logDaemon, kvm, readOnly, poolFreeBytes, processes] = await allOf(
    [
      output(['ip', '-json', '-details', 'link', 'show', 'type', 'tun']),
      output(['ss', '-Hulnp', 'sport', '=', ':67']),
      readRules(),
      output(['ip', '-json', '-4', 'route', 'show']),
      takesConnections(path.join(sockets, 'virtlogd-sock')),
      // without the programs that ask there is nobody to tell
      kvmAccess(path.join(sockets, 'libvirt-sock')).catch(() => 'absent' as const),
      readOnlyMounts([node.poolDir, node.dataDir], path.join(sockets, 'libvirt-sock')),
      roomOf(node.poolDir).then((room) => room?.freeBytes ?? null),
      qemus(path.join(sockets, 'qemu')),
    ],
  );
  return {
    dhcp: listening === null ? null : hasDhcp(listening, node.bridge),
    taps: links === null ? null : parseTaps(links, ruleset),
    rules: ruleset === null ? null : hasNetworkRules(ruleset, node.bridge),
    overlaps: routes === null ? [] : overlapping(routes, node.cidr, node.bridge),
    ...{ logDaemon, kvm, readOnly, poolFreeBytes },
    ...processes,
  };
}

async function roomOf(directory: string): Promise<PoolRoom | null> {
  const found = await statfs(directory).catch(() => null);
  if (found === null) return null;
  const { bavail, blocks, bsize } = found;
  return { bytes: blocks * bsize, freeBytes: bavail * bsize };
}

/** null where the program is not there or may not look. */
async function output(argv: readonly string[]): Promise<string | null> {
  const result = await runCommand(argv, { timeoutMs }).catch(() => null);
  return result?.code === 0 ? result.stdout : null;
}

let usesNft: Promise<boolean> | null = null;

/** Rules that were put by the older kind of iptables are not among those that nft shows. */
async function readRules(): Promise<string | null> {
  usesNft ??= output(['iptables', '--version']).then((version) => !/legacy/.test(version ?? ''));
  return (await usesNft) ? output(['nft', '--stateless', 'list', 'ruleset']) : null;
}

/**
 * The mount points of directories that are there and cannot be written. A container may have been given one to read only,
 * which says nothing of what libvirtd may do: there the file system itself must be read-only.
 */
async function readOnlyMounts(directories: readonly string[], libvirtSocket: string): Promise<string[]> {
  const isElsewhere = (await listenerOf(libvirtSocket).catch(() => null)) === null;
  const found = await Promise.all(
    directories.map(async (directory) => {
      const refused = await access(directory, constants.W_OK).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'EROFS',
      );
      const isReadOnly = refused && (!isElsewhere || (await isReadOnlyFileSystem(directory)));
      return isReadOnly ? [await mountPoint(directory)] : [];
    }),
  );
  return [...new Set(found.flat())];
}

async function isReadOnlyFileSystem(directory: string): Promise<boolean> {
  return /^ro(,|$)/.test((await output(['findmnt', '-nro', 'FS-OPTIONS', '-T', directory])) ?? '');
}

async function mountPoint(directory: string): Promise<string> {
  return (await output(['findmnt', '-nro', 'TARGET', '-T', directory]))?.trim() ?? directory;
}

/** A slow machine boots the largest guest in less. */
const bootMs = 180_000;

/** A time to come was written before the clock was set back: nobody knows how old that is. */
function isYoung(mtimeMs: number): boolean {
  const ageMs = Date.now() - mtimeMs;
  return ageMs >= 0 && ageMs < bootMs;
}

/** libvirt keeps a pid file for each QEMU. In a container there are none that mean anything. */
async function qemus(directory: string): Promise<Pick<NodeState, 'frozen' | 'booting'>> {
  const files = (await readdir(directory).catch(() => [])).filter((file) => file.endsWith('.pid'));
  const judged = await Promise.all(
    files.map(async (file) => {
      const pidFile = path.join(directory, file);
      const begun = await stat(pidFile).catch(() => null);
      return {
        name: file.slice(0, -'.pid'.length),
        isFrozen: await isStopped(pidFile),
        isBooting: begun !== null && isYoung(begun.mtimeMs),
      };
    }),
  );
  const names = (kind: 'isFrozen' | 'isBooting'): string[] =>
    judged.filter((each) => each[kind]).map(({ name }) => name);
  return { frozen: names('isFrozen'), booting: names('isBooting') };
}

async function isStopped(pidFile: string): Promise<boolean> {
  const pid = (await readFile(pidFile, 'utf8').catch(() => '')).trim();
  if (!/^\d+$/.test(pid)) return false;
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // after the command's closing parenthesis
  return /\) [Tt] /.test(status) && /\(qemu/.test(status);
}
