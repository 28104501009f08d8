/** Opens accounts, tokens and keys of this machine's service, in the name of whoever gives the command. */
import { administrate, type Administration, createLog, loadConfig } from '../engine';
import { operatorName } from './operator-name';

export function withAdministration<T>(work: (administration: Administration) => Promise<T>): Promise<T> {
  return administrate(loadConfig(), createLog(process.env.LOG_LEVEL ?? 'fatal'), operatorName(), work);
}
