/** The only door of the engine: api/ and cli/ import nothing else from here. */
export * from './engine';
export { makeBackup } from './backup/make-backup';
export type { StackResult } from './backup/plan-stacks';
export { restoreBackup, type RestoreReport } from './backup/restore-backup';
export { type BackupSummary, verifyBackup } from './backup/summary';
export { loadConfig, settingNames, type Config } from './config';
export { EngineError, errorCodes, toEngineError, type ErrorCode } from './errors';
export { imageNames, type ImageName, type Images, type ImageStatus } from './images/images';
export { listOperations } from './list-operations';
export { createLog, describeError, type Log } from './log';
export { projectVersion } from './project';
export { startEngine } from './start';
export { openImages, prepareNode, removeEverything, startPostgres, stopPostgres, stopProxy } from './setup';
export { type Diagnosis, examine } from './doctor';
export { findingKinds, type Finding } from './sweep/findings';
export type { Mended } from './sweep/fix';
