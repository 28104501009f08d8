/** What this room adds to a worker. */
import type { Room } from '../durable';
import type { Definition } from '../stack';
import { checkDrift } from './check-drift';
import { applyStack } from './apply-hosting';
import { planHosting } from './plan-new-hosting';
import { planRemoval } from './plan-removal';
import { reconcileDrift } from './keep-looking';

export const plansRoom: Room<Definition> = {
  operations: [checkDrift, applyStack, planHosting, planRemoval],
  keepers: [({ parts }) => reconcileDrift(parts)],
};
