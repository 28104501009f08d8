/** Accepting that a hosting sleeps or wakes; for the command line, seeing it through. */
import type { Operation } from './engine';
import type { Config } from './config';
import type { EngineParts } from './engine-parts';
import { EngineError } from './errors';
import type { Log } from './log';
import { accept } from './operations/accept';
import { expectSuccess, finishOperation } from './operations/finish';
import { sleepHosting, type SleepInput } from './operations/sleep-hosting';
import { wakeHosting, type WakeInput } from './operations/wake-hosting';
import type { Parts } from './parts';
import type { Tx } from './store/database';
import { findByName } from './store/ejections';
import { getHosting, type HostingRow, lockHosting } from './store/hostings';
import { unfinishedOperation } from './store/operations';
import { isWorkedOn } from './store/sleep';
import { withEngine } from './with-engine';

/** @throws {EngineError} hosting_not_found, hosting_busy, validation_failed when it does not run */
export async function acceptSleep(
  parts: Parts,
  tx: Tx,
  id: string,
  input: SleepInput,
): Promise<Operation | null> {
  const { status, vmName, userId } = await locked(tx, id);
  if (status === 'sleeping') return unfinishedOperation(tx, id, sleepHosting.kind);
  if (await isWorkedOn(tx, id))
    throw new EngineError('hosting_busy', `Something is being done to ${vmName}; try again when it is over`);
  if (status !== 'running')
    throw new EngineError('validation_failed', `Only a running hosting can sleep; ${vmName} is ${status}`);
  return accept(parts, tx, sleepHosting, {
    stackId: id,
    hostingId: id,
    userId: userId ?? undefined,
    input: { ...input },
  });
}

/**
 * As often as it is called, one operation wakes.
 *
 * @returns null when it is awake
 * @throws {EngineError} hosting_not_found, validation_failed when it is neither asleep nor awake
 */
export async function acceptWake(
  parts: Parts,
  tx: Tx,
  id: string,
  input: WakeInput = { cold: false },
): Promise<Operation | null> {
  const { status, vmName, userId } = await locked(tx, id);
  const underWay = await unfinishedOperation(tx, id, wakeHosting.kind);
  if (underWay !== null) return underWay;
  const fallingAsleep = (await unfinishedOperation(tx, id, sleepHosting.kind)) !== null;
  if (status === 'running' && !fallingAsleep) return null;
  if (status !== 'sleeping' && status !== 'running')
    throw new EngineError('validation_failed', `Only a sleeping hosting can wake; ${vmName} is ${status}`);
  return accept(parts, tx, wakeHosting, {
    stackId: id,
    hostingId: id,
    userId: userId ?? undefined,
    input: { ...input },
  });
}

async function locked(tx: Tx, id: string): Promise<HostingRow> {
  if (await lockHosting(tx, id)) return getHosting(tx, id);
  throw new EngineError('hosting_not_found', 'There is no such hosting');
}

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

/** For whatever needs the VM of a hosting that sleeps. @throws {EngineError} why it could not be woken */
export async function wakeFor(engine: EngineParts, id: string, handover: AbortSignal): Promise<void> {
  const { parts } = engine;
  const operation = await parts.database.transaction((tx) => acceptWake(parts, tx, id));
  if (operation !== null) expectSuccess(await finishOperation(engine, operation.id, id, handover));
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
  if (operation !== null)
    expectSuccess(await finishOperation(engine, operation.id, hosting.id, handover));
  const seconds = Math.round(performance.now() - begun) / 1000;
  return { vmName: hosting.vmName, changed: operation !== null, seconds };
}
