/**
 * What is wrong with a node, and with VMs that the database has running: from one look at the node and at libvirt. Pure.
 * A fault of the node is told once, and not again for each VM that suffers from it.
 */
import type { HostingTrouble } from '../model/hosting';
import type { SurveyedDomain } from '../machine/libvirt/inventory';
import type { NodeNames, NodeState, Tap } from '../machine/host/node-care';
import type { Finding, FindingKind } from './findings';

/** Less than that, and a VM that writes is paused at once. */
export const leastPoolBytes = 64 * 1024 ** 2;

/** @param floorBytes  of room in the pool, below which nothing new is made */
export function nodeFindings(state: NodeState, node: NodeNames, floorBytes: number): Finding[] {
  const found = (kind: FindingKind, subject: string, detail?: string): Finding => ({
    ...{ kind, subject, stackId: null, known: true },
    ...(detail === undefined ? {} : { detail }),
  });
  const when = (isWrong: boolean, ...finding: Parameters<typeof found>): Finding[] =>
    isWrong ? [found(...finding)] : [];
  const isUp = state.network === 'active';
  const free = state.poolFreeBytes;
  const freeMiB = `${Math.floor((free ?? 0) / 1024 ** 2)} MiB free`;
  return [
    ...when(state.network === 'inactive', 'network-down', node.network),
    ...when(state.network === 'missing', 'network-gone', node.network),
    ...when(state.pool === 'inactive', 'pool-down', node.pool),
    ...when(isUp && state.dhcp === false, 'dhcp-down', node.network),
    ...when(isUp && state.rules === false, 'rules-missing', node.network),
    ...when(state.logDaemon === false, 'log-daemon-down', 'virtlogd'),
    ...when(state.kvm === 'closed', 'kvm-closed', '/dev/kvm'),
    ...state.overlaps.map((route) => found('network-overlap', node.cidr, `the host also has ${route}`)),
    ...state.readOnly.map((mount) => found('read-only', mount)),
    ...when(free !== null && free < leastPoolBytes, 'pool-full', node.poolDir, freeMiB),
    ...when(free !== null && free >= leastPoolBytes && free < floorBytes, 'pool-low', node.poolDir, freeMiB),
  ];
}

/** A hosting whose VM should run. */
export interface ExpectedVm {
  readonly id: string;
  readonly vmName: string;
  readonly mac: string;
}

/** @param silent  ids of those that nothing answers at whose address */
export function vmFindings(
  vm: ExpectedVm,
  domain: SurveyedDomain | undefined,
  state: NodeState,
  node: NodeNames,
  silent: ReadonlySet<string>,
): Finding[] {
  const found = (kind: FindingKind, detail?: string): Finding[] => [
    {
      ...{ kind, subject: vm.vmName, stackId: vm.id, known: true },
      ...(detail === undefined ? {} : { detail }),
    },
  ];
  if (domain === undefined) return found('missing-domain');
  const undefinedToo = domain.isTransient ? found('undefined-domain') : [];
  if (domain.state === 'paused') return [...undefinedToo, ...found('paused-vm', domain.reason ?? undefined)];
  if (domain.state !== 'running') return [...undefinedToo, ...found('stopped-domain', domain.state)];
  if (state.frozen.includes(vm.vmName)) return [...undefinedToo, ...found('frozen-vm')];
  // without a network there is nothing to plug into
  if (state.network !== 'active') return undefinedToo;
  const tap = state.taps?.find(({ mac }) => mac === vm.mac);
  if (tap !== undefined) {
    const wrong = whatIsWrong(tap, node.bridge);
    if (wrong !== null) return [...undefinedToo, ...found('unplugged-vm', `${tap.name} ${wrong}`)];
    // one restart of libvirt brings all filters back
    if (tap.filtered === false) return [...undefinedToo, ...found('filter-missing', tap.name)];
  }
  const isSilent = silent.has(vm.id) && !state.booting.includes(vm.vmName);
  return isSilent ? [...undefinedToo, ...found('silent-vm')] : undefinedToo;
}

function whatIsWrong({ bridge, isolated }: Tap, expected: string): string | null {
  if (bridge !== expected) return `is not connected to ${expected}`;
  return isolated ? null : 'is not isolated from other VMs';
}

const troubleOf: Partial<Record<FindingKind, HostingTrouble>> = {
  'stopped-domain': 'off',
  'paused-vm': 'paused',
  'frozen-vm': 'unreachable',
  'unplugged-vm': 'unreachable',
  'silent-vm': 'unreachable',
  'missing-domain': 'lost',
  'missing-volume': 'lost',
};

/** Stack -> its trouble; those that have none are absent. */
export function troublesFrom(
  findings: readonly Finding[],
  vms: readonly ExpectedVm[],
): Map<string, HostingTrouble> {
  const isNetworkDown = findings.some(({ kind }) => kind === 'network-down' || kind === 'network-gone');
  const found = new Map<string, HostingTrouble>(
    isNetworkDown ? vms.map(({ id }): [string, HostingTrouble] => [id, 'unreachable']) : [],
  );
  for (const { kind, stackId } of findings) {
    const trouble = troubleOf[kind];
    if (trouble !== undefined && stackId !== null) found.set(stackId, trouble);
  }
  return found;
}
