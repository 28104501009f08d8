/** Writes down what the node has: whoever accepts a VM may have neither libvirt nor the pool beside it. */
import { measureCapacity } from './measure-capacity';
import type { Parts } from '../durable';
import { saveCapacity } from '../store/capacity';
import { every, type Reconciler } from '../base/every';

const intervalMs = 5_000;

/** @returns stops measuring */
export function reconcileCapacity(
  parts: Pick<Parts, 'config' | 'database' | 'inventory' | 'log' | 'nodeCare'>,
): Reconciler {
  const { config, database, log } = parts;
  return every({ name: 'capacity', intervalMs, log }, async () => {
    await saveCapacity(database.direct, config.NODE_NAME, await measureCapacity(parts));
  });
}
