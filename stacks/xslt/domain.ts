/**
 * What a hosting's domain needs and the provider cannot say: isolation on the network, a mark of ownership, a disk
 * that AppArmor understands, and a machine without the parts that only slow its boot.
 */
import { METADATA_NAMESPACE } from '../metadata';
import type { HostingSpec } from '../spec';
import { prepend, replace, setAttributes, stylesheet } from './stylesheet';

/**
 * @param rootVolumeId  Terraform reference to the root volume; for directory pools the id is the file's path
 */
export function domainXslt(spec: HostingSpec, rootVolumeId: string): string {
  return stylesheet([
    ...ownership(spec),
    ...rootDisk(rootVolumeId),
    ...isolation(spec),
    ...kernelArguments(spec),
    ...leanMachine(),
  ]);
}

function ownership(spec: HostingSpec): string[] {
  const mark = `<webhoster:hosting xmlns:webhoster="${METADATA_NAMESPACE}" id="${spec.hostingId}" pool="${spec.node.pool}"/>`;
  return [prepend('/domain', [`<metadata>${mark}</metadata>`])];
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

/**
 * An isolated bridge port reaches the host but no other isolated port, and the filter drops whatever leaves with
 * another MAC, IP or ARP than the hosting's own.
 */
function isolation(spec: HostingSpec): string[] {
  const ip = `<parameter name="IP" value="${spec.ip}"/>`;
  return [
    prepend('interface', ['<port isolated="yes"/>', `<filterref filter="clean-traffic">${ip}</filterref>`]),
  ];
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
