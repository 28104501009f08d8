/** The bridge of the VMs has no loops to look for. */
import { readFile, writeFile } from 'node:fs/promises';

/**
 * Switches the spanning tree of a bridge off, which libvirt switches on: with it the kernel keeps the port of each VM that
 * starts, or wakes, shut for four seconds. VMs make no loop: what one sends reaches no other, and their filter lets
 * no frame of the protocol through. A bridge that is not there, or may not be changed, is left: it only costs time.
 */
export async function withoutSpanningTree(bridge: string): Promise<void> {
  const file = `/sys/class/net/${bridge}/bridge/stp_state`;
  try {
    if ((await readFile(file, 'utf8')).trim() !== '0') await writeFile(file, '0');
  } catch {
    return;
  }
}
