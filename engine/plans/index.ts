/** Plans that people look at, drift from the specification, and the way back to it. */
export { acceptLook, planApply } from './plan-apply';
export { drift, type DriftOverview } from './drift';
export { planReport, plans, type Plans } from './plans';
export { plansRoom } from './room';
