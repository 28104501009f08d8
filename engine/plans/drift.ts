/** How what there is differs from what it was made from, as the last looks found it. */
import type { Engine } from '../engine';
import type { Parts } from '../durable/parts';
import { driftOfHostings } from '../store/drift';

export function drift({ database }: Pick<Parts, 'database'>): Engine['drift'] {
  return { list: (page) => driftOfHostings(database.direct, page) };
}
