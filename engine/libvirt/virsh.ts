/** libvirt by virsh: a command costs some 20 ms and needs no native binding. */
import { EngineError } from '../errors';
import { CommandNotFound, type CommandResult, runCommand } from '../process';
import type { Inventory } from './inventory';

// virsh's words for what is not there, in the C locale that process.ts sets
const absent =
  /failed to get domain|domain not found|Storage volume not found|failed to get vol|failed to get pool|Storage pool not found|domain is not running/i;

export function virshInventory(uri: string): Inventory {
  const virsh = (...args: string[]): Promise<CommandResult> => runVirsh(uri, args);
  const volumesOf = async (pool: string): Promise<string[]> => {
    const listed = await virsh('vol-list', pool);
    if (listed.code !== 0) return absent.test(listed.stderr) ? [] : refuse(listed);
    // name, path; names of ours have no spaces
    return listed.stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
  };
  const domainState = async (name: string): Promise<string | null> => {
    const state = await virsh('domstate', name);
    if (state.code === 0) return state.stdout.trim();
    return absent.test(state.stderr) ? null : refuse(state);
  };

  return {
    find: async ({ domain, pool, volumes }) => {
      const [state, present] = await Promise.all([
        domain === null ? null : domainState(domain),
        volumesOf(pool),
      ]);
      return {
        domain: state === null ? null : domain,
        volumes: volumes.filter((name) => present.includes(name)),
      };
    },
    removeDomain: async (name) => {
      await expectGone(virsh('destroy', name));
      await expectGone(virsh('undefine', name, '--managed-save', '--snapshots-metadata', '--nvram'));
    },
    removeVolume: (pool, name) => expectGone(virsh('vol-delete', name, '--pool', pool)),
    domainState,
    nodeActive: async (pool, network) => {
      const [pools, networks] = await Promise.all([
        virsh('pool-list', '--name'),
        virsh('net-list', '--name'),
      ]);
      const names = (result: CommandResult): string[] =>
        result.code === 0 ? result.stdout.split('\n').map((line) => line.trim()) : refuse(result);
      return names(pools).includes(pool) && names(networks).includes(network);
    },
    hypervisorGroup: async () => {
      const result = await virsh('capabilities');
      if (result.code !== 0) refuse(result);
      const dac = /<model>dac<\/model>[\s\S]*?<\/secmodel>/.exec(result.stdout)?.[0] ?? '';
      const group = /<baselabel[^>]*>\+\d+:\+(\d+)</.exec(dac)?.[1];
      return group === undefined ? undefined : Number(group);
    },
    version: async () => {
      const result = await virsh('version');
      if (result.code !== 0) refuse(result);
      return `libvirt ${/Using library: libvirt (\S+)/.exec(result.stdout)?.[1] ?? 'of unknown version'}`;
    },
  };
}

async function runVirsh(uri: string, args: readonly string[]): Promise<CommandResult> {
  try {
    return await runCommand(['virsh', '--connect', uri, '--quiet', ...args], { timeoutMs: 30_000 });
  } catch (cause) {
    const message =
      cause instanceof CommandNotFound ? 'virsh is not installed on the server' : 'libvirt does not answer';
    throw new EngineError('libvirt_unavailable', message, { retryable: true, cause });
  }
}

async function expectGone(attempt: Promise<CommandResult>): Promise<void> {
  const result = await attempt;
  if (result.code !== 0 && !absent.test(result.stderr)) refuse(result);
}

function refuse(result: CommandResult): never {
  throw new EngineError('libvirt_unavailable', 'libvirt refused a request', {
    retryable: true,
    cause: new Error(result.stderr.trim().slice(0, 4000)),
  });
}
