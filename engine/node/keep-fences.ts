/**
 * Sees to it that filter and host's rules are in place: after a restart of the machine, which keeps libvirt's filter but
 * not the kernel's rules, and after somebody has flushed them.
 */
import { fenceOf } from '../machine/isolation/fence';
import type { Parts } from '../durable';
import { findNode } from '../store/stacks';
import { every, type Reconciler } from '../base/every';

const intervalMs = 10_000;

export function reconcileFences({
  config,
  database,
  isolation,
  log,
}: Pick<Parts, 'config' | 'database' | 'isolation' | 'log'>): Reconciler {
  let looks = 0;
  return every({ name: 'fences', intervalMs, log }, async () => {
    const node = await findNode(database.direct, config.NODE_NAME);
    if (!node?.prepared) return;
    // at its first look a process cannot know whether what it finds is what it would put
    if (!(await isolation.put(fenceOf(config))) || looks++ === 0) return;
    log.warn({}, 'isolation of VMs was gone; put again');
    return 'put again what was gone';
  });
}
