/** What this room adds to a worker. */
import type { OperationDefinition } from './definition';
import type { Room } from './room';
import { reconcileExpiredLeases } from './keep-going';
import { reconcileOldRecords } from './forget-old-records';

export const durableRoom: Room<OperationDefinition> = {
  operations: [],
  keepers: [({ parts }) => reconcileExpiredLeases(parts), ({ parts }) => reconcileOldRecords(parts)],
};
