/** What this room adds to a worker. */
import type { Room } from './room';
import { reconcileExpiredLeases } from './keep-going';
import { reconcileOldRecords } from './forget-old-records';

export const durableRoom: Room<never> = {
  operations: [],
  keepers: [({ parts }) => reconcileExpiredLeases(parts), ({ parts }) => reconcileOldRecords(parts)],
};
