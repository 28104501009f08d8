/** The machine that VMs run on: pool, network, base image, fences, capacity. */
export { requireRoomNow } from './measure-capacity';
export { isPrepared, nodeFingerprint, prepareNode } from './prepare-node';
export { removeNode } from './remove-node';
export { nodeRoom } from './room';
