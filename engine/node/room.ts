/** What this room adds to a worker. */
import type { OperationDefinition, Room } from '../durable';
import { prepareNode } from './prepare-node';
import { removeNode } from './remove-node';
import { reconcileFences } from './keep-fences';
import { reconcileCapacity } from './keep-capacity';

export const nodeRoom: Room<OperationDefinition> = {
  operations: [prepareNode, removeNode],
  keepers: [({ parts }) => reconcileFences(parts), ({ parts }) => reconcileCapacity(parts)],
};
