/** The only door of the engine: api/ and cli/ import nothing else from here. */
export type { Engine } from './engine';
export * from './model/account';
export * from './model/audit';
export * from './model/hosting';
export * from './model/metrics';
export * from './model/operation';
export * from './model/page';
export * from './model/plan';
export { administrate, type Administration, type SignedOut } from './operator/administration';
export type { Rotation } from './operator/rotate-keys';
export { makeBackup } from './backup/make-backup';
export type { StackResult } from './backup/plan-stacks';
export { restoreBackup, type RestoreReport } from './backup/restore-backup';
export { type BackupSummary, verifyBackup } from './backup/summary';
export { loadConfig, settingNames, type Config } from './base/config';
export { EngineError, errorCodes, toEngineError, type ErrorCode } from './base/errors';
export { imageNames, type ImageName, type Images, type ImageStatus } from './machine/images/images';
export { networkOf } from './accounts/attempts';
export { namesHosting, readHostingName, theOne } from './machine/libvirt/names';
export { hasIpv6 } from './machine/nginx/listening';
export type { Limiter } from './base/limits';
export { landingPage } from './machine/nginx/landing-page';
export { createLog, describeError, type Log } from './base/log';
export { type MachineAction, machineActions } from './audit/recorder';
export { type PartVersion, partVersions } from './monitoring/part-versions';
export {
  differingFirst,
  type LabelChange,
  openOperator,
  type Operator,
  relabelled,
} from './operator/operator';
export { readPublicKey, type SshKeyProblem, sshKeyProblems } from './hostings/ssh-key';
export { emailKey } from './base/emails';
export { isReservedUsername } from './accounts/reserved-usernames';
export { alike, foldedText, longestEmail, lowerAscii, readEmail, readHostName } from './base/typed-names';
export { projectVersion } from './base/project';
export { type Power, putToSleep, wakeUp } from './operator/power';
export { startEngine } from './start';
export { startTracing } from './base/start-tracing';
export { currentTraceIds, noTracing, type Tracing, within } from './base/tracing';
export { startPostgres, stopPostgres } from './store/postgres';
export { openImages, prepareNode, removeEverything, stopProxy } from './operator/setup';
export { type Diagnosis, examine } from './sweep/doctor';
export { type Adopted, adoptHosting } from './ejection/adopt';
export type { BundleFile } from './ejection/bundle';
export { type Ejected, ejectHosting, type EjectionTarget } from './ejection/eject';
export { adviceFor, findingKinds, type Finding } from './sweep/findings';
export type { Mended } from './sweep/fix';
export { takeDown, type TeardownOptions, type TornDown } from './operator/teardown/take-down';
export { tearDownOffline } from './operator/teardown/offline';
