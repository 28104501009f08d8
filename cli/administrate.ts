/** Opens accounts, tokens and keys of this machine's service, in the name of whoever gives the command. */
import { userInfo } from 'node:os';
import { administrate, type Administration, createLog, loadConfig } from '../engine';

export function withAdministration<T>(work: (administration: Administration) => Promise<T>): Promise<T> {
  return administrate(loadConfig(), createLog(process.env.LOG_LEVEL ?? 'fatal'), operatorName(), work);
}

/** Who became root rather than root, where sudo tells. */
function operatorName(): string {
  const name = process.env.SUDO_USER ?? userInfo().username;
  return `operator ${/^[A-Za-z0-9._-]{1,32}$/.test(name) ? name : 'unknown'}`;
}
