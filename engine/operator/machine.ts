/** Commands that work on the machine itself, with or without the service beside it. */
import type { Config } from '../base/config';
import type { Log } from '../base/log';
import type { EngineParts } from '../durable';
import { adopt, type Adopted, eject, type Ejected, type EjectionTarget } from '../ejection';
import type { Command } from '../model/actor';
import type { Operation } from '../model/operation';
import type { SleepInput, WakeInput } from '../sleep';
import { type Diagnosis, type DoctorOptions, examine } from '../sweep';
import { administration, type Administration } from './accounts';
import { prepareNode, removeEverything } from './node';
import type { Operator } from './operator';
import { operatorOfMachine } from './operator-of-machine';
import { type Power, putToSleep, wakeUp } from './power';
import { withConnected, withEngine } from './with-engine';

type OnEvent = (message: string) => void;

/** Each change leaves a record in the audit log. A hosting is named by its VM, its id or its user. */
export interface MachineOperator {
  readonly hostings: Operator;
  readonly accounts: Administration;
  /**
   * Brings pool, network and base image of this node to what the configuration says.
   *
   * @returns null when there was nothing to do
   * @throws {EngineError} image_missing, or why the operation failed
   */
  prepareNode(onEvent: OnEvent): Promise<Operation | null>;
  /** Removes every hosting of this node, its pool and its network. The service must be stopped. */
  removeEverything(onEvent: OnEvent): Promise<void>;
  /** @throws {EngineError} when it could not look */
  examine(options: Omit<DoctorOptions, keyof Command>): Promise<Diagnosis>;
  /** @throws {EngineError} hosting_not_found, plan_changed, validation_failed, … */
  eject(hosting: string, target: EjectionTarget): Promise<Ejected>;
  /** @param read  content of a file of the ejected directory; null if there is none */
  adopt(read: (path: string) => Promise<Buffer | null>): Promise<Adopted>;
  /** @throws {EngineError} hosting_not_found, hosting_busy, validation_failed */
  putToSleep(hosting: string, input: SleepInput): Promise<Power>;
  /** @throws {EngineError} hosting_not_found, hosting_busy, validation_failed */
  wakeUp(hosting: string, input: WakeInput): Promise<Power>;
}

export function machineOperator(engine: EngineParts, command: Command): MachineOperator {
  return {
    hostings: operatorOfMachine(engine, command),
    accounts: administration(engine.parts, command.who),
    prepareNode: (onEvent) => prepareNode(engine, command, onEvent),
    removeEverything: (onEvent) => removeEverything(engine, command, onEvent),
    examine: (options) => examine(engine, { ...options, ...command }),
    eject: (hosting, target) => eject(engine, command, hosting, target),
    adopt: (read) => adopt(engine, command, read),
    putToSleep: (hosting, input) => putToSleep(engine, command, hosting, input),
    wakeUp: (hosting, input) => wakeUp(engine, command, hosting, input),
  };
}

export interface MachineOptions {
  /** `start`: the embedded PostgreSQL is started when it is down, and stopped again at the end. */
  readonly postgres: 'start' | 'must-run';
}

/** @throws {EngineError} config_invalid, database_unavailable, or what `work` throws */
export function withMachine<T>(
  config: Config,
  log: Log,
  command: Command,
  { postgres }: MachineOptions,
  work: (machine: MachineOperator) => Promise<T>,
): Promise<T> {
  const open = postgres === 'start' ? withEngine : withConnected;
  return open(config, log, (engine) => work(machineOperator(engine, command)));
}
