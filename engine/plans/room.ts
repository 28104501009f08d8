/** What this room adds to a worker. */
import type { Room } from '../durable';
import type { Definition } from '../stack';
import { planApply } from './plan-apply';
import { applyHosting } from './apply-hosting';
import { planCreate } from './plan-create';
import { planDelete } from './plan-delete';
import { reconcileDrift } from './keep-looking';

export const plansRoom: Room<Definition> = {
  operations: [planApply, applyHosting, planCreate, planDelete],
  keepers: [({ parts }) => reconcileDrift(parts)],
};
