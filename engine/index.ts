/** The only door of the engine: api/ and cli/ import nothing else from here. */
export * from './engine';
export { loadConfig, settingNames, type Config } from './config';
export { EngineError, errorCodes, toEngineError, type ErrorCode } from './errors';
export { imageNames, type ImageName, type Images, type ImageStatus } from './images/images';
export { createLog, describeError, type Log } from './log';
export { projectVersion } from './project';
export { startEngine } from './start';
export { openImages, prepareNode, removeEverything, startPostgres, stopPostgres, stopProxy } from './setup';
