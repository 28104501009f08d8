/** What a hosting's row says about its stack: the specification, the policy its plans must pass, its names in libvirt. */
import type { HostingSpec, SpecLimits, StackNode } from '../../stacks';
import {
  type CloudInit,
  type GuestFacts,
  pageMarker,
  renderCloudInit,
  renderSpareCloudInit,
} from '../machine/guest/cloud-init';
import type { Config } from '../base/config';
import type { User } from '../model/account';
import { EngineError } from '../base/errors';
import { isoName, rootVolumeName, vmNameOf } from '../machine/libvirt/names';
import { accessOf } from './view';
import { filterName, gatewayOf } from '../machine/isolation/fence';
import type { SupportedLimits } from '../machine/isolation/isolation';
import type { StackNames } from '../machine/libvirt/inventory';
import type { HostingRow, OwnedHosting } from '../store/hostings';
import type { NodeImage, NodeRow } from '../store/stacks';
import type { PlanPolicy } from '../machine/terraform/plan-firewall';

const bytesPerGiB = 1024 ** 3;

/** @throws {EngineError} node_not_ready */
export function hostingSpec(hosting: OwnedHosting, owner: User, node: NodeRow, config: Config): HostingSpec {
  return specOf(hosting, node, config, renderCloudInit(guestFacts(hosting, owner, config)));
}

/** As its owner's will be, but for what the guest is told. @throws {EngineError} node_not_ready */
export function spareSpec(hosting: HostingRow, node: NodeRow, config: Config): HostingSpec {
  const { id: hostingId, vmName } = hosting;
  return specOf(
    hosting,
    node,
    config,
    renderSpareCloudInit({ hostingId, vmName, gateway: gatewayOf(config) }),
  );
}

/** What a guest is told about its owner. */
export function guestFacts(hosting: OwnedHosting, owner: User, config: Config): GuestFacts {
  const { id: hostingId, vmName, sshPublicKey } = hosting;
  const welcome = { username: owner.username, vmName, ...accessOf(hosting, owner, config) };
  return { hostingId, vmName, sshPublicKey, gateway: gatewayOf(config), welcome };
}

function specOf(hosting: HostingRow, node: NodeRow, config: Config, cloudInit: CloudInit): HostingSpec {
  const image = node.images[hosting.image] as NodeImage | undefined;
  if (node.domainType === null || image === undefined) {
    throw new EngineError('node_not_ready', undefined, { retryable: true });
  }
  return {
    kind: 'hosting',
    hostingId: hosting.id,
    vmName: hosting.vmName,
    node: stackNode(node, config),
    domainType: node.domainType,
    memoryMiB: hosting.memoryMiB,
    vcpus: hosting.vcpus,
    diskBytes: hosting.diskGiB * bytesPerGiB,
    ip: hosting.ip,
    mac: hosting.mac,
    ...(node.limits === null ? {} : { limits: limitsOf(hosting, node.limits, config) }),
    image,
    cloudInit,
  };
}

function stackNode({ limits }: NodeRow, config: Config): StackNode {
  const { LIBVIRT_URI: uri, POOL_NAME: pool, NETWORK_NAME: network } = config;
  // a node that an earlier release prepared has no filter yet
  return { uri, pool, network, ...(limits === null ? {} : { filter: filterName(config) }) };
}

const kibPerMbit = 1_000_000 / 8 / 1024;

/** What is set, as far as the node can do it; 0 sets no limit. */
function limitsOf({ vcpus }: HostingRow, supported: SupportedLimits, config: Config): SpecLimits {
  const { VM_CPU_PERCENT, VM_DISK_IOPS, VM_DISK_MIBPS, VM_NETWORK_MBIT } = config;
  return {
    ...(supported.cpuShares === null
      ? {}
      : { cpuShares: sharesOf(supported.cpuShares, vcpus), cpuPercent: VM_CPU_PERCENT }),
    ...(VM_DISK_IOPS > 0 ? { diskIops: VM_DISK_IOPS } : {}),
    ...(VM_DISK_MIBPS > 0 ? { diskKiBps: VM_DISK_MIBPS * 1024 } : {}),
    ...(supported.network && VM_NETWORK_MBIT > 0
      ? { networkKiBps: Math.round(VM_NETWORK_MBIT * kibPerMbit) }
      : {}),
  };
}

/** In proportion to its vCPUs, up to the most that the kernel takes. */
function sharesOf(perVcpu: number, vcpus: number): number {
  return Math.min(perVcpu * vcpus, perVcpu === 100 ? 10_000 : 262_144);
}

export function hostingPolicy(
  hosting: Pick<HostingRow, 'memoryMiB' | 'vcpus' | 'diskGiB'>,
  config: Config,
  intent: PlanPolicy['intent'],
): PlanPolicy {
  return {
    intent,
    addresses: ['libvirt_volume.root', 'libvirt_cloudinit_disk.cidata', 'libvirt_domain.vm'],
    keeps: ['libvirt_volume'],
    uri: config.LIBVIRT_URI,
    maxMemoryMiB: hosting.memoryMiB,
    maxVcpus: hosting.vcpus,
    maxDiskBytes: hosting.diskGiB * bytesPerGiB,
  };
}

/** Derived from the id alone, so that a hosting's remains are found when its row is gone. */
export function hostingNames(hostingId: string, config: Config): StackNames {
  return {
    domain: vmNameOf(hostingId),
    pool: config.POOL_NAME,
    volumes: [rootVolumeName(hostingId), isoName(hostingId)],
  };
}

export function hostingMarker(hosting: HostingRow): string {
  return pageMarker(hosting.vmName);
}
