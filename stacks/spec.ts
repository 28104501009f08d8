/**
 * What a stack is made from: plain data, complete, already validated by the engine.
 * The same specification renders to the same Terraform JSON, byte for byte.
 */

/** One user's VM: domain, copy-on-write volume, cloud-init disk. */
export interface HostingSpec {
  readonly kind: 'hosting';
  /** UUID of the hosting; resource names in libvirt carry it, so that no name is ever met twice. */
  readonly hostingId: string;
  /** `vm-<first 8 hex of the id>`: domain name and guest host name. */
  readonly vmName: string;
  readonly node: StackNode;
  readonly domainType: 'kvm' | 'qemu';
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly diskBytes: number;
  /** Fixed address, handed out by the network's DHCP to this MAC; the traffic filter pins both. */
  readonly ip: string;
  readonly mac: string;
  /** How much of what VMs share this one may take; without any it is left to the hypervisor. */
  readonly limits?: SpecLimits;
  readonly image: SpecImage;
  readonly cloudInit: { readonly userData: string; readonly metaData: string };
  /** It is saved to the disk: neither runs nor is started by libvirt itself. @default false */
  readonly asleep?: boolean;
}

export interface StackNode {
  /** libvirt connection URI, e.g. `qemu:///system`. */
  readonly uri: string;
  readonly pool: string;
  readonly network: string;
  /** libvirt's filter for the VMs of the network; without one it is `clean-traffic`, as for VMs of earlier releases. */
  readonly filter?: string;
}

/** Each is left out where the node cannot do it, or nothing is to be limited. */
export interface SpecLimits {
  /** Weight against everything else when processors are scarce, in the unit of the node's cgroups. */
  readonly cpuShares?: number;
  /** Most that each vCPU may take of a processor, in percent. */
  readonly cpuPercent?: number;
  /** Disk operations a second, read and written together. */
  readonly diskIops?: number;
  /** KiB a second that are read and written, together: an operation may be of any size. */
  readonly diskKiBps?: number;
  /** KiB a second, each way. */
  readonly networkKiBps?: number;
}

export interface SpecImage {
  /** Path of the base volume inside the pool; the hosting's volume is backed by it. */
  readonly baseVolumePath: string;
  readonly boot:
    | {
        readonly kind: 'direct-kernel';
        readonly kernel: string;
        readonly initrd: string;
        readonly cmdline: string;
      }
    | { readonly kind: 'disk' };
}

/** What one libvirt host needs before VMs can run on it: pool, network, base images. */
export interface NodeSpec {
  readonly kind: 'node';
  /** Name of the node, e.g. `local`. */
  readonly name: string;
  readonly uri: string;
  /**
   * Directory pool. With `hypervisorGid` (the group QEMU runs as; `<baselabel>` of the dac model in
   * `virsh capabilities`) only that group may enter the directory, else everybody who knows a file's name.
   */
  readonly pool: { readonly name: string; readonly path: string; readonly hypervisorGid?: number };
  readonly network: {
    readonly name: string;
    /** Bridge interface, at most 15 characters. */
    readonly bridge: string;
    /** IPv4 network, e.g. `10.90.0.0/22`; its first address is the host's. */
    readonly cidr: string;
    /** `open` gives VMs NAT to the outside, `none` keeps them in. */
    readonly egress: 'open' | 'none';
    /** Every address of the pool with its MAC: the network hands out no other, so nothing is added or left per VM. */
    readonly reservations: readonly { readonly ip: string; readonly mac: string }[];
  };
  /** Base images in the pool; `volumeName` carries the image's checksum. */
  readonly images: readonly { readonly volumeName: string; readonly sourcePath: string }[];
}

export type StackSpec = HostingSpec | NodeSpec;
