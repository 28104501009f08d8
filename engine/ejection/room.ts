/** What this room adds to a worker. */
import type { Room } from '../durable';
import type { Definition } from '../stack';
import { ejectHosting } from './eject-hosting';
import { adoptHosting } from './adopt-hosting';

export const ejectionRoom: Room<Definition> = {
  operations: [ejectHosting, adoptHosting],
  keepers: [],
};
