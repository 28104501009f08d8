/**
 * Whether QEMU may open /dev/kvm. Where libvirtd sees it and QEMU's own user may not, libvirt throws away what it found
 * out about QEMU and probes it anew, for 4 to 12 s, at every start of a VM. scripts/lib/libvirt.sh asks the same.
 */
import { readFile, stat } from 'node:fs/promises';
import { runCommand } from '../../base/process';
import { listenerOf } from './listener';
import type { NodeState } from './node-care';

export const kvmDevice = '/dev/kvm';

export async function kvmAccess(libvirtSocket: string): Promise<NodeState['kvm']> {
  const there = await stat(kvmDevice).catch(() => null);
  if (there === null || !there.isCharacterDevice()) return 'absent';
  if (await mayOpen(await qemuUser())) return 'open';
  const libvirtd = await listenerOf(libvirtSocket);
  const seen = libvirtd === null ? null : await stat(`/proc/${libvirtd}/root${kvmDevice}`).catch(() => null);
  return libvirtd !== null && seen === null ? 'hidden' : 'closed';
}

/** libvirt's settings, else what the distribution built in. */
async function qemuUser(): Promise<string> {
  const settings = await readFile('/etc/libvirt/qemu.conf', 'utf8').catch(() => '');
  return /^ *user *= *["'](.*)["']/m.exec(settings)?.[1] ?? 'libvirt-qemu';
}

/** One that this machine does not know cannot be asked about: QEMU runs elsewhere. */
async function mayOpen(user: string): Promise<boolean> {
  const gid = await runCommand(['id', '-g', user], { timeoutMs: 5_000 });
  if (gid.code !== 0) return true;
  const as = ['--reuid', user, '--regid', gid.stdout.trim(), '--init-groups'];
  const test = ['sh', '-c', `[ -r ${kvmDevice} ] && [ -w ${kvmDevice} ]`];
  return (await runCommand(['setpriv', ...as, '--', ...test], { timeoutMs: 5_000 })).code === 0;
}
