/** What this room adds to a worker. */
import type { Room } from '../durable';
import type { Definition } from '../stack';
import { removeOrphan } from './remove-orphan';
import { reconcileBySweeping } from './keep-sweeping';

export const sweepRoom: Room<Definition> = {
  operations: [removeOrphan],
  keepers: [reconcileBySweeping],
};
