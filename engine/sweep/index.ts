/** Compares what the database, Terraform, libvirt, Nginx and the host say, and mends what differs. */
export { type Diagnosis, type DoctorOptions, examine } from './doctor';
export { adviceFor, type Finding, type FindingKind, findingKinds } from './findings';
export { fix, type Mended } from './fix';
export { groundFixes } from './ground-fixes';
export { leastPoolBytes, nodeFindings, troublesFrom, vmFindings } from './ground';
export { assertNoOverlap, mendNode } from './mend-node';
export { silentHostings } from './silent';
export { sweepRoom } from './room';
export { sweep } from './sweep';
