/** Works on this machine in the name of whoever gives the command. */
import {
  type Administration,
  createLog,
  loadConfig,
  type MachineOperator,
  type MachineOptions,
  withMachine as open,
} from '../engine';
import { operatorName } from './operator-name';
import { untilStopped } from './until-stopped';

interface Options extends Partial<MachineOptions> {
  /** LOG_LEVEL wins. @default fatal */
  readonly logLevel?: string;
  /** @default on Ctrl-C and its like */
  readonly handover?: AbortSignal;
}

export function withMachine<T>(
  work: (machine: MachineOperator) => Promise<T>,
  { postgres = 'start', logLevel = 'fatal', handover = untilStopped() }: Options = {},
): Promise<T> {
  const log = createLog(process.env.LOG_LEVEL ?? logLevel);
  return open(loadConfig(), log, { who: operatorName(), handover }, { postgres }, work);
}

/** Nothing here takes long: Ctrl-C ends the process. */
export function withAdministration<T>(work: (administration: Administration) => Promise<T>): Promise<T> {
  return withMachine(({ accounts }) => work(accounts), { handover: new AbortController().signal });
}
