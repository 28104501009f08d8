/** What this room adds to a worker. */
import type { Room } from '../durable';
import type { Definition } from '../stack';
import { createHosting } from './create';
import { deleteHosting, removeSpare } from './delete';
import { makeSpare } from './spares/make';
import { claimSpare } from './spares/claim';

import { reconcileServedRoutes } from './keep-routes';
import { reconcileWarmPool } from './spares/keep-pool';

export const hostingsRoom: Room<Definition> = {
  operations: [createHosting, deleteHosting, makeSpare, claimSpare, removeSpare],
  keepers: [({ parts }) => reconcileServedRoutes(parts), ({ parts }) => reconcileWarmPool(parts)],
};
