/** Backups of the database, and restoring them. */
export { makeBackup } from './make-backup';
export type { StackResult } from './plan-stacks';
export { restoreBackup, type RestoreReport } from './restore-backup';
export { type BackupSummary, verifyBackup } from './summary';
