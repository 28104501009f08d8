import type { Page } from '../../../engine';

/** What a list answers that is held in memory, in its order. */
export function onePage<T>(all: readonly T[], { limit, after }: Page, idOf: (entry: T) => string): T[] {
  const from = after === undefined ? 0 : all.findIndex((entry) => idOf(entry) === after) + 1;
  return all.slice(from, from + limit);
}
