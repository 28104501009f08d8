/** Plans that people look at, drift from the specification, and the way back to it. */
export { applyStack } from './apply-hosting';
export { acceptLook, checkDrift, type Drift } from './check-drift';
export { drift, type DriftOverview } from './drift';
export { reconcileDrift } from './keep-looking';
export { planHosting } from './plan-new-hosting';
export { planRemoval } from './plan-removal';
export { planReport, plans, type Plans } from './plans';
