/** What this room adds to a worker. */
import type { Room } from '../durable';
import { reconcileMeasures } from './keep-measures';
import { reconcileTroubles } from './keep-troubles';
import { reconcileLogs } from './keep-logs';

export const monitoringRoom: Room<never> = {
  operations: [],
  keepers: [
    ({ parts }) => reconcileMeasures(parts),
    ({ parts }) => reconcileTroubles(parts),
    ({ parts }) => reconcileLogs(parts),
  ],
};
