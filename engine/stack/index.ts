/** One Terraform stack as durable state: workspace, sealed state, plan, apply, runs. */
export { ownership } from './owned';
export { type Definition, operation, type Ports, stackWork, steps, type StepWith } from './ports';
export type { StackParts } from './step';
export { factsInState, openState, sealState, stateContext } from './state';
export { domainAddress, rootVolumeAddress, type UnseenDrift, unseenDriftFrom } from './unseen';
export { initializeStack, rebuildWorkspace } from './work';
