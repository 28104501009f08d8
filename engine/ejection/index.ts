/** Hands a VM over with its Terraform stack, and takes it back. */
export { adoptHosting } from './adopt-hosting';
export { adopt, type Adopted } from './adopt';
export type { BundleFile } from './bundle';
export { ejectHosting } from './eject-hosting';
export { eject, type Ejected, type EjectionTarget } from './eject';
