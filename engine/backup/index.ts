/** Backups of the database, and restoring them. */
export { makeBackup } from './make-backup';
export type { StackResult } from './plan-stacks';
export { restoreBackup, type RestoreOptions, type RestoreReport } from './restore-backup';
export { type BackupSummary, verifyBackup } from './summary';
