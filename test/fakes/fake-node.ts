/** The machine under a fake host: in order, but for what a test says of it. */
import type { Activity, NodeCare, NodeState } from '../../engine/node/node-care';
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
};

export function fakeNodeCare(host: Pick<FakeHost, 'node' | 'faults' | 'transient'>): NodeCare {
  const set = (change: Partial<NodeState>): Promise<void> => {
    host.node.state = { ...host.node.state, ...change };
    return Promise.resolve();
  };
  const now = (): NodeState => ({ ...inOrder, ...host.node.state });
  const started = (activity: Activity): Activity => (activity === 'missing' ? 'missing' : 'active');
  return {
    look: async () => {
      await host.faults.at('node');
      return now();
    },
    startNetwork: () => set({ network: started(now().network) }),
    startPool: () => set({ pool: started(now().pool) }),
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
