/** The only door of the engine: api/ and cli/ import nothing else from here. */
export * from './engine';
export { EngineError, errorCodes, toEngineError, type ErrorCode } from './errors';
export { loadConfig, settingNames, type Config } from './config';
