/** Fences by virsh and nft, both of which put the whole of theirs or nothing. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../../base/errors';
import { inTemporaryDirectory, replaceFile } from '../../base/files';
import { CommandNotFound, type CommandResult, runCommand } from '../../base/process';
import type { Fence } from './fence';
import { guestFilter, type PortRange, usualPorts } from './guest-filter';
import { type HostAbilities, hostRules, trialRules, withoutTraffic } from './host-rules';
import type { Isolation } from './isolation';
import { withoutSpanningTree } from './spanning-tree';
import { trialDomain } from './trial-domain';

const timeoutMs = 60_000;

export function nodeIsolation(uri: string): Isolation {
  const virsh = (args: readonly string[], signal?: AbortSignal): Promise<CommandResult> =>
    run(['virsh', '--connect', uri, '--quiet', ...args], signal);
  // how libvirt and the kernel show what was put: later looks are compared with it
  const seen = new Map<string, string>();

  const show = async ({ filter, table }: Fence): Promise<string> => {
    const [inLibvirt, inKernel] = await Promise.all([
      virsh(['nwfilter-dumpxml', filter]),
      run(['nft', '--stateless', 'list', 'table', 'inet', table]),
    ]);
    return inLibvirt.code === 0 && inKernel.code === 0
      ? inLibvirt.stdout + withoutTraffic(inKernel.stdout)
      : '';
  };

  const supports = async (
    network: string,
    limit: 'cpu' | 'network',
    signal?: AbortSignal,
  ): Promise<boolean> => {
    // with --autodestroy it ends with this virsh, however that ends
    const create = ['create', '--paused', '--autodestroy'];
    const xml = trialDomain(network, limit);
    return (await asFile(xml, (file) => virsh([...create, file], signal))).code === 0;
  };

  let known: Promise<HostAbilities> | null = null;
  const abilities = (): Promise<HostAbilities> => {
    known ??= hostAbilities().catch((thrown: unknown) => {
      known = null;
      throw thrown;
    });
    return known;
  };

  return {
    put: async (fence) => {
      await withoutSpanningTree(fence.bridge);
      const before = await show(fence);
      if (before !== '' && seen.get(fence.table) === before) return false;
      const filter = guestFilter(fence, await hostPorts());
      const defined = await asFile(filter, (file) => virsh(['nwfilter-define', file]));
      demand(defined, 'libvirt refused the network filter of the VMs');
      const loaded = await asFile(hostRules(fence, await abilities()), (file) => run(['nft', '-f', file]));
      demand(loaded, 'The kernel refused the firewall rules of the host');
      seen.set(fence.table, await show(fence));
      return true;
    },
    remove: async ({ filter, table }) => {
      seen.delete(table);
      await virsh(['nwfilter-undefine', filter]);
      await run(['nft', 'delete', 'table', 'inet', table]);
    },
    supportedLimits: async (network, signal) => ({
      cpuShares: (await supports(network, 'cpu', signal)) ? usualShares() : null,
      network: await supports(network, 'network', signal),
      host: await abilities(),
    }),
  };
}

/**
 * What every group of processes has that nobody gave a weight. libvirt passes weights on as they are, and 100 under
 * cgroup v1 starved VMs beside everything else of a busy machine: they did not boot in three minutes.
 */
function usualShares(): number {
  return existsSync('/sys/fs/cgroup/cgroup.controllers') ? 100 : 1024;
}

async function hostAbilities(): Promise<HostAbilities> {
  const can = async (ability: keyof HostAbilities): Promise<boolean> =>
    (await asFile(trialRules(ability), (file) => run(['nft', '--check', '-f', file]))).code === 0;
  return { counts: await can('counts'), compares: await can('compares') };
}

/** What the kernel connects from, where somebody has changed it. The node is this machine. */
async function hostPorts(): Promise<PortRange> {
  const text = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '');
  const [first, last] = text.trim().split(/\s+/).map(Number);
  return first === undefined || last === undefined || Number.isNaN(first + last)
    ? usualPorts
    : { first, last };
}

/** Neither program reads its standard input when that is a socket, which is what Node.js makes of it. */
function asFile<T>(text: string, use: (file: string) => Promise<T>): Promise<T> {
  return inTemporaryDirectory(async (directory) => {
    const file = path.join(directory, 'text');
    await replaceFile(file, text);
    return use(file);
  });
}

async function run(argv: readonly string[], signal?: AbortSignal): Promise<CommandResult> {
  try {
    return await runCommand(argv, { timeoutMs, signal });
  } catch (cause) {
    signal?.throwIfAborted();
    const message =
      cause instanceof CommandNotFound
        ? `${argv[0] ?? ''} is not installed on the server; ./scripts/start.sh installs it`
        : 'The isolation of VMs could not be set up in time';
    throw failed(message, cause);
  }
}

function demand(result: CommandResult, message: string): void {
  if (result.code !== 0) throw failed(message, new Error(result.stderr.trim().slice(0, 4000)));
}

function failed(message: string, cause: unknown): EngineError {
  return new EngineError('isolation_failed', message, { retryable: true, cause });
}
