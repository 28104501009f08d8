/** Hands a VM over with its Terraform stack, and takes it back. */
export { adopt, type Adopted } from './adopt';
export type { BundleFile } from './bundle';
export { eject, type Ejected, type EjectionTarget } from './eject';
export { ejectionRoom } from './room';
