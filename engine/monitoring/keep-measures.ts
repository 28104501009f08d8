/** Writes down what was measured, every few seconds. */
import type { Parts } from '../durable';
import { every, type Reconciler } from '../base/every';

const intervalMs = 5_000;

/** @returns stops writing */
export function reconcileMeasures({
  database,
  measures,
  log,
}: Pick<Parts, 'database' | 'log' | 'measures'>): Reconciler {
  return every({ name: 'measures', intervalMs, log }, () => measures.flush(database.direct));
}
