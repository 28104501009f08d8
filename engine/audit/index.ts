/** Who did what: one record for each change. */
export { audit, type AuditLog } from './audit';
export { type MachineAction, machineActions, recorder, recordOnMachine, theService } from './recorder';
