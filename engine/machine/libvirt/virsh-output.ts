/** What virsh prints, as data. */
import type { NodeMemory } from './inventory';

/** The name of every hosting's domain. */
export const hostingDomain = /^vm-[0-9a-f]{8}$/;

/** Lines of `virsh list --all`: id or a dash, name (no white space in what libvirt accepts from us), state. */
export function parseDomainList(text: string): { name: string; state: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, name, state] = /^\s*(?:\d+|-)\s+(\S.*?)\s{2,}(\S.*?)\s*$/.exec(line) ?? [];
    return name !== undefined && state !== undefined ? [{ name, state }] : [];
  });
}

/** Precedes each domain's metadata where many are asked for at once. */
export const markHeading = '@@';

/** Domain name -> the mark in its metadata: `<webhoster:hosting … id="…" pool="…"/>`; domains without one are absent. */
export function parseMarks(text: string): Map<string, { hostingId: string; pool: string }> {
  const marks = new Map<string, { hostingId: string; pool: string }>();
  for (const section of text.split(markHeading).slice(1)) {
    const name = /^\S+?(?=<|\s|$)/.exec(section)?.[0] ?? '';
    const [, hostingId] = /\sid="([0-9a-f-]{36})"/.exec(section) ?? [];
    const [, pool] = /\spool="([A-Za-z0-9_.-]+)"/.exec(section) ?? [];
    if (hostingId !== undefined && pool !== undefined) marks.set(name, { hostingId, pool });
  }
  return marks;
}

/** Domain name -> why it is in its state, of `virsh domstate --reason` after a heading: `paused (I/O error)`.
 * The heading ends where the state begins: `echo` of virsh ends no line. */
export function parseReasons(text: string): Map<string, string> {
  return new Map(
    text.split(markHeading).flatMap((section): [string, string][] => {
      const [, name, reason] = /^(vm-[0-9a-f]{8})\s*[a-z ]+ \((.*)\)/.exec(section) ?? [];
      return name === undefined || reason === undefined ? [] : [[name, reason]];
    }),
  );
}

/** Lines of `virsh nodememstats`, in KiB: `free   :   123 KiB`. */
export function parseMemory(text: string): NodeMemory {
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}\\s*:\\s*(\\d+) KiB`, 'm').exec(text)?.[1] ?? 0);
  return {
    totalMiB: Math.floor(kib('total') / 1024),
    freeMiB: Math.floor((kib('free') + kib('buffers') + kib('cached')) / 1024),
  };
}

/** From `virsh vol-info --bytes`: `Capacity:       374784 bytes`. */
export function parseCapacity(text: string): number {
  return Number(/^Capacity:\s+(\d+) bytes/m.exec(text)?.[1]);
}

/** libvirt writes memory in KiB, whatever it was given in. */
export function parseDomainConfig(xml: string): { memoryMiB: number; vcpus: number } {
  const [, kib] = /<memory unit='KiB'>(\d+)<\/memory>/.exec(xml) ?? [];
  const [, vcpus] = /<vcpu[^>]*>(\d+)<\/vcpu>/.exec(xml) ?? [];
  return { memoryMiB: Math.round(Number(kib) / 1024), vcpus: Number(vcpus) };
}
