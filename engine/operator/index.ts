/** Commands on the machine itself. */
export type { Administration, SignedOut } from './accounts';
export { type MachineOperator, machineOperator, type MachineOptions, withMachine } from './machine';
export { openImages, stopProxy } from './node';
export { differingFirst, type LabelChange, type Operator, relabelled } from './operator';
export type { Power } from './power';
export type { Rotation } from './rotate-keys';
export { tearDownOffline } from './teardown/offline';
export { takeDown, type TeardownOptions, type TornDown } from './teardown/take-down';
export { withConnected } from './with-engine';
