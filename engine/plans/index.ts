/** Plans that people look at, drift from the specification, and the way back to it. */
export { acceptLook, checkDrift } from './check-drift';
export { drift, type DriftOverview } from './drift';
export { planReport, plans, type Plans } from './plans';
export { plansRoom } from './room';
