/** One Terraform stack as durable state: workspace, sealed state, plan, apply, runs. */
export { differences } from './differences';
export type { StackPort } from './port';
export {
  type Definition,
  flat,
  type OldContext,
  operation,
  type Ports,
  portsOf,
  steps,
  type StepWith,
} from './ports';
export { factsInState, openState, sealState, stateContext } from './state';
export { domainAddress, rootVolumeAddress, unseenDrift, type UnseenDrift, unseenDriftFrom } from './unseen';
export {
  applyStack,
  checkStackPlan,
  destroyStack,
  forgetStack,
  initializeStack,
  planStack,
  rebuildWorkspace,
  removeUntracked,
  requireWorkspace,
  synthesizeStack,
  writeWorkspace,
} from './work';
