/** What a part of the bench found: samples under names, and the bounds they were held against. */
import { median } from './statistics';

export type Unit = 's' | 'ms' | 'MiB' | 'requests/s' | 'times' | '';

export interface Series {
  /** What is compared with what: one heading of the table, one group of bars. */
  readonly group: string;
  readonly name: string;
  readonly unit: Unit;
  /** One of each round. */
  readonly samples: readonly number[];
  /** `detail` is in the table and not in the picture. */
  readonly role: 'ours' | 'compared' | 'detail';
}

export interface Bound {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  readonly sense: 'at most' | 'at least';
  readonly limit: number;
}

export interface PartResult {
  readonly part: string;
  readonly title: string;
  readonly series: readonly Series[];
  readonly bounds: readonly Bound[];
  /** What a reader must know to understand the figures: what was a fake, what was left out and why. */
  readonly notes: readonly string[];
}

/** A value that is none was not measured, and that is not met either. */
export function isMet({ value, sense, limit }: Bound): boolean {
  return sense === 'at most' ? value <= limit : value >= limit;
}

export function missed(results: readonly Pick<PartResult, 'bounds'>[]): Bound[] {
  return results.flatMap(({ bounds }) => bounds.filter((bound) => !isMet(bound)));
}

/** Of two medians. */
export function ratio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours) / median(theirs);
}

/** Samples under their names, in the order in which names came first. */
export interface Samples {
  add(name: string, value: number): void;
  of(name: string): readonly number[];
  /** Every name there is. */
  names(): readonly string[];
}

export function newSamples(): Samples {
  const known = new Map<string, number[]>();
  return {
    add: (name, value) => void known.set(name, [...(known.get(name) ?? []), value]),
    of: (name) => known.get(name) ?? [],
    names: () => [...known.keys()],
  };
}
