/** Putting a hosting to sleep and waking it from a command line, with or without a service that runs beside it. */
import type { Config } from './config';
import type { Operation } from './engine';
import type { EngineParts } from './engine-parts';
import { EngineError } from './errors';
import type { Log } from './log';
import { expectSuccess, finishOperation } from './operations/finish';
import type { SleepInput } from './operations/sleep-hosting';
import type { WakeInput } from './operations/wake-hosting';
import { acceptSleep, acceptWake } from './sleep';
import type { Tx } from './store/database';
import { findByName } from './store/ejections';
import { withEngine } from './with-engine';

export interface Power {
  readonly vmName: string;
  /** False when it was so before. */
  readonly changed: boolean;
  readonly seconds: number;
}

/**
 * @param name  a VM's name, a hosting's id or a username
 * @throws {EngineError} hosting_not_found, hosting_busy, validation_failed, or why it did not succeed
 */
export function putToSleep(
  config: Config,
  log: Log,
  name: string,
  { handover, ...input }: SleepInput & { readonly handover: AbortSignal },
): Promise<Power> {
  return withEngine(config, log, (engine) =>
    seenThrough(engine, name, handover, (tx, id) => acceptSleep(engine.parts, tx, id, input)),
  );
}

/** As `putToSleep`. */
export function wakeUp(
  config: Config,
  log: Log,
  name: string,
  { handover, ...input }: WakeInput & { readonly handover: AbortSignal },
): Promise<Power> {
  return withEngine(config, log, (engine) =>
    seenThrough(engine, name, handover, (tx, id) => acceptWake(engine.parts, tx, id, input)),
  );
}

async function seenThrough(
  engine: EngineParts,
  name: string,
  handover: AbortSignal,
  acceptIt: (tx: Tx, id: string) => Promise<Operation | null>,
): Promise<Power> {
  const { database } = engine.parts;
  const begun = performance.now();
  const hosting = await findByName(database.direct, name);
  if (hosting === null)
    throw new EngineError('hosting_not_found', `There is no hosting of the name, id or user ${name}`);
  const operation = await database.transaction((tx) => acceptIt(tx, hosting.id));
  if (operation !== null) expectSuccess(await finishOperation(engine, operation.id, hosting.id, handover));
  const seconds = Math.round(performance.now() - begun) / 1000;
  return { vmName: hosting.vmName, changed: operation !== null, seconds };
}
