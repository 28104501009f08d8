import type { Page } from '../../../engine';

/** What a list answers that is held in memory, in its order; behind what is not there is nothing. */
export function onePage<T>(all: readonly T[], { limit, after }: Page, idOf: (entry: T) => string): T[] {
  const known = after === undefined ? -1 : all.findIndex((entry) => idOf(entry) === after);
  if (after !== undefined && known === -1) return [];
  return all.slice(known + 1).slice(0, limit);
}
