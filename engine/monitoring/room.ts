/** What this room adds to a worker. */
import type { OperationDefinition, Room } from '../durable';
import { reconcileMeasures } from './keep-measures';
import { reconcileTroubles } from './keep-troubles';
import { reconcileLogs } from './keep-logs';

export const monitoringRoom: Room<OperationDefinition> = {
  operations: [],
  keepers: [
    ({ parts }) => reconcileMeasures(parts),
    ({ parts }) => reconcileTroubles(parts),
    ({ parts }) => reconcileLogs(parts),
  ],
};
