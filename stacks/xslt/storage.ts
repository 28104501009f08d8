/** Permissions of what the provider puts on the host's disk: it makes everything readable for everybody. */
import { replace, prepend, stylesheet } from './stylesheet';

/**
 * A pool's directory, which QEMU must be able to traverse and nobody needs to list.
 *
 * With the hypervisor's group nobody else gets in at all; that matters because the provider writes cloud-init
 * disks, which hold the guests' host keys, with mode 0644 and lets no stylesheet change it.
 *
 * @param hypervisorGid  group that QEMU runs as; without it any user who guesses a name could open the file
 */
export function poolXslt(hypervisorGid: number | undefined): string {
  const owner =
    hypervisorGid === undefined
      ? '<mode>0711</mode><owner>0</owner><group>0</group>'
      : `<mode>0710</mode><owner>0</owner><group>${hypervisorGid.toString()}</group>`;
  return stylesheet([prepend('target', [`<permissions>${owner}</permissions>`])]);
}

/** A user's disk is for QEMU alone: libvirt gives the file to QEMU's user when the domain starts. */
export function privateVolumeXslt(): string {
  return stylesheet([replace('permissions/mode', '<mode>0600</mode>')]);
}
