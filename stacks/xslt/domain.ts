/**
 * What a hosting's domain needs and the provider cannot say: isolation on the network, a mark of ownership, a disk
 * that AppArmor understands, and a machine without the parts that only slow its boot.
 */
import { METADATA_NAMESPACE } from '../metadata';
import type { HostingSpec, SpecLimits } from '../spec';
import { prepend, replace, setAttributes, stylesheet } from './stylesheet';

/**
 * @param rootVolumeId  Terraform reference to the root volume; for directory pools the id is the file's path
 */
export function domainXslt(spec: HostingSpec, rootVolumeId: string): string {
  return stylesheet([
    ...ownershipAndShares(spec),
    ...rootDisk(rootVolumeId),
    ...diskLimits(spec.limits),
    ...isolation(spec),
    ...kernelArguments(spec),
    ...leanMachine(),
  ]);
}

function ownershipAndShares(spec: HostingSpec): string[] {
  const mark = `<webhoster:hosting xmlns:webhoster="${METADATA_NAMESPACE}" id="${spec.hostingId}" pool="${spec.node.pool}"/>`;
  return [prepend('/domain', [`<metadata>${mark}</metadata>`, ...cpuTune(spec.limits)])];
}

/** The kernel's scheduler counts in periods of 0.1 s. */
const PERIOD_US = 100_000;

function cpuTune({ cpuShares, cpuPercent }: SpecLimits = {}): string[] {
  const shares = cpuShares === undefined ? '' : `<shares>${cpuShares.toString()}</shares>`;
  const quota =
    cpuPercent === undefined
      ? ''
      : `<period>${PERIOD_US.toString()}</period><quota>${((PERIOD_US / 100) * cpuPercent).toString()}</quota>`;
  return shares + quota === '' ? [] : [`<cputune>${shares}${quota}</cputune>`];
}

/**
 * `type='volume'` makes libvirt's AppArmor helper fail on Ubuntu: it builds the profile without asking the storage
 * driver, so it never learns the path. Discards reach the host, so that space freed in a guest is freed.
 */
function rootDisk(rootVolumeId: string): string[] {
  const disk = "disk[@device='disk']";
  return [
    replace(`${disk}/@type`, '<xsl:attribute name="type">file</xsl:attribute>'),
    replace(`${disk}/source`, `<source file="${rootVolumeId}"/>`),
    setAttributes(`${disk}/driver`, { discard: 'unmap', detect_zeroes: 'unmap' }),
  ];
}

/** What a specification of an earlier release does not have leaves no trace, or a plan would replace its domain. */
function diskLimits({ diskIops, diskKiBps }: SpecLimits = {}): string[] {
  const limits = [
    ...(diskKiBps === undefined
      ? []
      : [`<total_bytes_sec>${(diskKiBps * 1024).toString()}</total_bytes_sec>`]),
    ...(diskIops === undefined ? [] : [`<total_iops_sec>${diskIops.toString()}</total_iops_sec>`]),
  ];
  return limits.length === 0
    ? []
    : [prepend("disk[@device='disk']", [`<iotune>${limits.join('')}</iotune>`])];
}

/**
 * An isolated bridge port reaches the host but no other isolated port, and the filter drops whatever leaves with
 * another MAC, IP or ARP than the hosting's own. The network's own filter also keeps it from the host's services.
 */
function isolation({ ip, node, limits }: HostingSpec): string[] {
  const filter = node.filter ?? 'clean-traffic';
  return [
    prepend('interface', [
      '<port isolated="yes"/>',
      `<filterref filter="${filter}"><parameter name="IP" value="${ip}"/></filterref>`,
      ...bandwidth(limits),
    ]),
  ];
}

function bandwidth({ networkKiBps }: SpecLimits = {}): string[] {
  if (networkKiBps === undefined) return [];
  const average = `average="${networkKiBps.toString()}"`;
  return [`<bandwidth><inbound ${average}/><outbound ${average}/></bandwidth>`];
}

/** The provider sorts the arguments; to a kernel their order means something (the last `console=` wins). */
function kernelArguments(spec: HostingSpec): string[] {
  if (spec.image.boot.kind !== 'direct-kernel') return [];
  return [replace('os/cmdline', `<cmdline>${spec.image.boot.cmdline}</cmdline>`)];
}

/**
 * The provider always adds a SPICE display, which brings a port that listens on the host, a video card and USB; nobody
 * looks at it. The balloon stays: through it memory that the guest has freed goes back to the host.
 */
function leanMachine(): string[] {
  return [
    replace('graphics | video'),
    prepend('devices', [
      '<controller type="usb" model="none"/>',
      '<memballoon model="virtio" freePageReporting="on"/>',
    ]),
  ];
}
