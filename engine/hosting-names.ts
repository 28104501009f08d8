/** What a hosting is called in libvirt; everything derives from its id. */

/** The domain, and what users see. */
export function vmNameOf(hostingId: string): string {
  return `vm-${hostingId.slice(0, 8)}`;
}

export function rootVolumeName(hostingId: string): string {
  return `${hostingId}.qcow2`;
}

/** The cloud-init disk. */
export function isoName(hostingId: string): string {
  return `${hostingId}-cidata.iso`;
}
