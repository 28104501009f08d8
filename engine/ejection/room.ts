/** What this room adds to a worker. */
import type { OperationDefinition, Room } from '../durable';
import { ejectHosting } from './eject-hosting';
import { adoptHosting } from './adopt-hosting';

export const ejectionRoom: Room<OperationDefinition> = {
  operations: [ejectHosting, adoptHosting],
  keepers: [],
};
