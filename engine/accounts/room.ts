/** What this room adds to a worker. */
import type { OperationDefinition, Room } from '../durable';
import { reconcileEndedSessions } from './forget-ended';

export const accountsRoom: Room<OperationDefinition> = {
  operations: [],
  keepers: [({ parts }) => reconcileEndedSessions(parts)],
};
