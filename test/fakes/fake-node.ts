/** The machine under a fake host: in order, but for what a test says of it. */
import { EngineError } from '../../engine/base/errors';
import type { NodeCare, NodeState } from '../../engine/machine/host/node-care';
import type { FakeHost } from './fake-host';

const inOrder: NodeState = {
  network: 'active',
  pool: 'active',
  dhcp: true,
  taps: [],
  rules: true,
  logDaemon: true,
  kvm: 'absent',
  overlaps: [],
  readOnly: [],
  poolFreeBytes: 100 * 1024 ** 3,
  frozen: [],
  booting: [],
};

export function fakeNodeCare(host: Pick<FakeHost, 'node' | 'faults' | 'transient'>): NodeCare {
  const set = (change: Partial<NodeState>): Promise<void> => {
    host.node.state = { ...host.node.state, ...change };
    return Promise.resolve();
  };
  const now = (): NodeState => ({ ...inOrder, ...host.node.state });
  const start = (part: 'network' | 'pool'): Promise<void> => {
    if (now()[part] === 'missing')
      return Promise.reject(
        new EngineError('libvirt_unavailable', 'libvirt refused a request', { retryable: true }),
      );
    return set({ [part]: 'active' });
  };
  return {
    look: async () => {
      await host.faults.at('node');
      return now();
    },
    poolRoom: () => {
      const { poolFreeBytes } = now();
      return Promise.resolve(
        poolFreeBytes === null ? null : { bytes: 100_000 * 1024 ** 3, freeBytes: poolFreeBytes },
      );
    },
    startNetwork: () => start('network'),
    startPool: () => start('pool'),
    plug: (name, bridge) =>
      set({
        taps: (now().taps ?? []).map((tap) => (tap.name === name ? { ...tap, bridge, isolated: true } : tap)),
      }),
    startDhcp: () => set({ dhcp: true }),
    restartLibvirt: () =>
      set({ dhcp: true, rules: true, taps: (now().taps ?? []).map((tap) => ({ ...tap, filtered: true })) }),
    startLogDaemon: () => set({ logDaemon: true }),
    openKvm: () => set({ kvm: 'open' }),
    continueVm: (name) => set({ frozen: now().frozen.filter((each) => each !== name) }),
    defineAgain: (name) => {
      host.transient.delete(name);
      return Promise.resolve();
    },
  };
}
