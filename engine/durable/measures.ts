/**
 * How often things happened and how long they took, added up in PostgreSQL over all workers, for the metrics. Buffered in
 * memory for a few seconds: what a worker had not yet written when it died is lost, and nothing waits for it.
 */
import { addMeasures, type Measure } from '../store/measures';
import type { Tx } from '../store/database';

/** Upper bounds in seconds; one more bucket counts everything above. */
export const bucketBounds: readonly number[] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640];

export interface Measures {
  /** @param labels  with few distinct values: they are kept forever */
  observe(name: MeasureName, labels: Readonly<Record<string, string>>, seconds: number): void;
  /** Writes what was observed since the last call. */
  flush(tx: Tx): Promise<void>;
}

export const measureNames = {
  operations: 'Time from acceptance to the end of operations, by outcome.',
  operation_steps: 'Duration of each try of each operation step, and of undos.',
  terraform_phases: 'Duration of Terraform runs, by phase.',
  nginx_reloads: 'Time until a new Nginx configuration was served or rolled back.',
  certificate_orders: 'Duration of certificate requests.',
} as const;
export type MeasureName = keyof typeof measureNames;

export function measures(): Measures {
  let waiting = new Map<string, Measure>();
  return {
    observe: (name, labels, seconds) => {
      const sorted = Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
      const key = JSON.stringify([name, sorted]);
      const empty: number[] = [...bucketBounds, Infinity].map(() => 0);
      const before = waiting.get(key) ?? { name, labels: sorted, buckets: empty, count: 0, seconds: 0 };
      const at = bucketBounds.findIndex((bound) => seconds <= bound);
      const bucket = at === -1 ? bucketBounds.length : at;
      const buckets = before.buckets.map((count, index) => count + (index === bucket ? 1 : 0));
      waiting.set(key, { ...before, buckets, count: before.count + 1, seconds: before.seconds + seconds });
    },
    flush: async (tx) => {
      const taken = waiting;
      waiting = new Map();
      // what cannot be written is lost: to count it twice would be worse
      if (taken.size > 0) await addMeasures(tx, [...taken.values()]);
    },
  };
}
