/** What this room adds to a worker. */
import type { Room } from '../durable';
import { reconcileEndedSessions } from './forget-ended';

export const accountsRoom: Room<never> = {
  operations: [],
  keepers: [({ parts }) => reconcileEndedSessions(parts)],
};
