/** What this room adds to a worker. */
import type { OperationDefinition, Room } from '../durable';
import { createHosting } from './create';
import { deleteHosting } from './delete';
import { makeSpare } from './spares/make';
import { claimSpare } from './spares/claim';
import { removeSpare } from './spares/remove';
import { reconcileServedRoutes } from './keep-routes';
import { reconcileWarmPool } from './spares/keep-pool';

export const hostingsRoom: Room<OperationDefinition> = {
  operations: [createHosting, deleteHosting, makeSpare, claimSpare, removeSpare],
  keepers: [({ parts }) => reconcileServedRoutes(parts), ({ parts }) => reconcileWarmPool(parts)],
};
