/** What this room adds to a worker. */
import type { OperationDefinition, Room } from '../durable';
import { checkDrift } from './check-drift';
import { applyStack } from './apply-hosting';
import { planHosting } from './plan-new-hosting';
import { planRemoval } from './plan-removal';
import { reconcileDrift } from './keep-looking';

export const plansRoom: Room<OperationDefinition> = {
  operations: [checkDrift, applyStack, planHosting, planRemoval],
  keepers: [({ parts }) => reconcileDrift(parts)],
};
