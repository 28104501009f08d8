/** What this room adds to a worker. */
import type { OperationDefinition, Room } from '../durable';
import { removeOrphan } from './remove-orphan';
import { reconcileBySweeping } from './keep-sweeping';

export const sweepRoom: Room<OperationDefinition> = {
  operations: [removeOrphan],
  keepers: [reconcileBySweeping],
};
