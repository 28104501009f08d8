/** What this room adds to a worker. */
import type { Room } from '../durable';
import type { Definition } from '../stack';
import { prepareNode } from './prepare-node';
import { removeNode } from './remove-node';
import { reconcileFences } from './keep-fences';
import { reconcileCapacity } from './keep-capacity';

export const nodeRoom: Room<Definition> = {
  operations: [prepareNode, removeNode],
  keepers: [({ parts }) => reconcileFences(parts), ({ parts }) => reconcileCapacity(parts)],
};
