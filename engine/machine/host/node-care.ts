/**
 * What the VMs of a node stand on: the network with its bridge, DHCP and rules, libvirt's daemons, /dev/kvm, the room
 * for disks. It is looked at often, so a look costs some ten milliseconds a call and never makes libvirt probe QEMU.
 */
import type { PoolRoom } from '../../model/capacity';

export interface NodeCare {
  /** @throws {EngineError} libvirt_unavailable */
  look(node: NodeNames): Promise<NodeState>;
  /** Of the file system that a directory is on; null where that cannot be told from here. */
  poolRoom(directory: string): Promise<PoolRoom | null>;
  /** Starts what is defined and off; what runs stays as it is. @throws {EngineError} libvirt_unavailable */
  startNetwork(name: string): Promise<void>;
  startPool(name: string): Promise<void>;
  /** Puts a VM's tap back on the bridge, shut off from the other taps there. @throws {EngineError} node_not_ready */
  plug(tap: string, bridge: string): Promise<void>;
  /** Has libvirt start the network's DHCP server again; VMs stay plugged in. @throws {EngineError} libvirt_unavailable */
  startDhcp(network: string, host: { readonly mac: string; readonly ip: string }): Promise<void>;
  /** VMs run on meanwhile. @throws {EngineError} libvirt_unavailable with what to do where it cannot be done from here */
  restartLibvirt(): Promise<void>;
  /** The daemon that takes what QEMU logs: no VM starts without it. @throws {EngineError} libvirt_unavailable */
  startLogDaemon(): Promise<void>;
  /** Gives /dev/kvm the group and mode that the distribution gives it. @throws {EngineError} node_not_ready */
  openKvm(): Promise<void>;
  /** Lets a QEMU go on that somebody has stopped (SIGSTOP). @throws {EngineError} node_not_ready */
  continueVm(name: string): Promise<void>;
  /** Has libvirt keep the definition of a VM that runs without one. @throws {EngineError} libvirt_unavailable */
  defineAgain(name: string): Promise<void>;
}

/** What no write can take back: see guarded.ts. */
export const irreversibleOfNodeCare = ['defineAgain'] as const satisfies readonly (keyof NodeCare)[];

export interface NodeNames {
  readonly pool: string;
  readonly poolDir: string;
  /** Where the service itself writes. */
  readonly dataDir: string;
  readonly network: string;
  readonly bridge: string;
  /** e.g. `10.90.0.0/22` */
  readonly cidr: string;
}

export type Activity = 'active' | 'inactive' | 'missing';

/** null stands for what cannot be told from where the service runs, in a container for example. */
export interface NodeState {
  readonly network: Activity;
  readonly pool: Activity;
  /** Whether somebody answers DHCP on the bridge. */
  readonly dhcp: boolean | null;
  readonly taps: readonly Tap[] | null;
  /** Whether libvirt's own rules for the network are in the kernel; those of each VM are its tap's. */
  readonly rules: boolean | null;
  readonly logDaemon: boolean | null;
  /** `hidden`: libvirtd does not see the device, and pays nothing for it. */
  readonly kvm: 'absent' | 'open' | 'closed' | 'hidden';
  /** Routes of the host into the network that are not the network's own, as `ip route` has them. */
  readonly overlaps: readonly string[];
  /** Mount points that are read-only and must not be. */
  readonly readOnly: readonly string[];
  readonly poolFreeBytes: number | null;
  /** Names of VMs whose QEMU is stopped. */
  readonly frozen: readonly string[];
  /** Names of VMs whose QEMU was started so lately that they may still boot. */
  readonly booting: readonly string[];
}

/** The host's end of a VM's network card. */
export interface Tap {
  readonly name: string;
  /** Of the card in the VM, as libvirt has it. */
  readonly mac: string;
  /** The bridge it is plugged into. */
  readonly bridge: string | null;
  /** Whether it reaches other taps of the bridge is for the kernel to refuse. */
  readonly isolated: boolean;
  /** Whether libvirt's filter of this VM is in the kernel; null where that cannot be told. */
  readonly filtered: boolean | null;
}
