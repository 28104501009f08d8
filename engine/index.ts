/** The only door of the engine: api/ and cli/ import nothing else from here. */
export type { Engine } from './engine';
export * from './model/account';
export * from './model/audit';
export * from './model/hosting';
export * from './model/metrics';
export * from './model/operation';
export * from './model/page';
export * from './model/plan';
export {
  type Administration,
  differingFirst,
  type LabelChange,
  type MachineOperator,
  type MachineOptions,
  openImages,
  type Operator,
  type Power,
  relabelled,
  type Rotation,
  type SignedOut,
  stopProxy,
  takeDown,
  tearDownOffline,
  type TeardownOptions,
  type TornDown,
  withMachine,
} from './operator';
export {
  type BackupSummary,
  makeBackup,
  restoreBackup,
  type RestoreReport,
  type StackResult,
  verifyBackup,
} from './backup';
export { loadConfig, settingNames, type Config } from './base/config';
export { EngineError, errorCodes, errorTexts, toEngineError, type ErrorCode } from './base/errors';
export { imageNames, type ImageName, type Images, type ImageStatus } from './machine/images/images';
export { isReservedUsername, networkOf } from './accounts';
export { namesHosting, readHostingName, theOne } from './machine/libvirt/names';
export { hasIpv6 } from './machine/nginx/listening';
export type { Limiter } from './base/limits';
export { landingPage } from './machine/nginx/landing-page';
export { createLog, describeError, type Log } from './base/log';
export { type MachineAction, machineActions } from './audit';
export { type PartVersion, partVersions } from './monitoring';
export { readPublicKey, type SshKeyProblem, sshKeyProblems } from './hostings';
export { emailKey } from './base/emails';
export { alike, foldedText, longestEmail, lowerAscii, readEmail, readHostName } from './base/typed-names';
export { projectVersion } from './base/project';
export { startEngine } from './start';
export { startTracing } from './base/start-tracing';
export { currentTraceIds, noTracing, type Tracing, within } from './base/tracing';
export { startPostgres, stopPostgres } from './store/postgres';
export { adviceFor, type Diagnosis, type Finding, findingKinds, type Mended } from './sweep';
export type { Adopted, BundleFile, Ejected, EjectionTarget } from './ejection';
