/** The machine that VMs run on: pool, network, base image, fences, capacity. */
export { reconcileCapacity } from './keep-capacity';
export { reconcileFences } from './keep-fences';
export { requireRoomNow } from './measure-capacity';
export { isPrepared, nodeFingerprint, prepareNode } from './prepare-node';
export { removeNode } from './remove-node';
