/** How what there is differs from what it was made from, as the last looks found it. */
import type { HostingDrift } from '../model/plan';
import type { Page } from '../model/page';
import type { Parts } from '../durable';
import { driftOfHostings } from '../store/drift';

export interface DriftOverview {
  /** Of every running hosting, the oldest first. The caller must be an administrator or an operator. */
  list(page: Page): Promise<readonly HostingDrift[]>;
}

export function drift({ database }: Pick<Parts, 'database'>): DriftOverview {
  return { list: (page) => driftOfHostings(database.direct, page) };
}
