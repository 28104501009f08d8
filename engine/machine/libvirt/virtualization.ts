/**
 * Whether VMs run on the processor (KVM) or emulated (TCG). /dev/kvm can be there, open, make a VM, and still hang a
 * kernel at boot, so only booting one tells.
 */
import { access, constants } from 'node:fs/promises';
import { runCommand } from '../../base/process';

export interface Virtualization {
  /** @param kernel  a kernel to try; without one KVM is believed when it can be opened */
  detect(kernel: string | null, signal?: AbortSignal): Promise<'kvm' | 'qemu'>;
}

/** Under KVM a kernel without a root device panics and restarts within a second or two. */
const trialMs = 15_000;

export const bootTrial: Virtualization = {
  detect: async (kernel, signal) => {
    const usable = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    );
    if (!usable) return 'qemu';
    return kernel === null || (await boots(kernel, signal)) ? 'kvm' : 'qemu';
  },
};

async function boots(kernel: string, signal?: AbortSignal): Promise<boolean> {
  // no root device: the kernel panics, restarts at once, and -no-reboot turns that into an exit
  const trial = [
    '-accel',
    'kvm',
    '-cpu',
    'host',
    '-m',
    '256',
    '-nodefaults',
    '-display',
    'none',
    '-no-reboot',
    '-kernel',
    kernel,
    '-append',
    'panic=-1 quiet',
  ];
  try {
    const result = await runCommand(['qemu-system-x86_64', ...trial], {
      timeoutMs: trialMs,
      graceMs: 0,
      signal,
    });
    return result.code === 0;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof DOMException) return false;
    throw error;
  }
}
