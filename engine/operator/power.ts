/** Putting a hosting to sleep and waking it from the command line. */
import type { Operation } from '../model/operation';
import { type EngineParts, expectSuccess, finishOperation } from '../durable';
import type { Command } from '../model/actor';
import { recorder } from '../audit';
import { acceptSleep, acceptWake, type SleepInput, type WakeInput } from '../sleep';
import type { Tx } from '../store/database';
import { hostingNamed, lookAtOne } from '../hostings';

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
  engine: EngineParts,
  command: Command,
  name: string,
  input: SleepInput,
): Promise<Power> {
  return seenThrough(engine, { ...command, action: 'sleep' }, name, (tx, id) =>
    acceptSleep(engine.parts, tx, id, input),
  );
}

/** As `putToSleep`. */
export function wakeUp(
  engine: EngineParts,
  command: Command,
  name: string,
  input: WakeInput,
): Promise<Power> {
  return seenThrough(engine, { ...command, action: 'wake' }, name, (tx, id) =>
    acceptWake(engine.parts, tx, id, input),
  );
}

async function seenThrough(
  engine: EngineParts,
  { who, handover, action }: Command & { readonly action: 'sleep' | 'wake' },
  name: string,
  acceptIt: (tx: Tx, id: string) => Promise<Operation | null>,
): Promise<Power> {
  const { parts } = engine;
  const begun = performance.now();
  const { id, vmName } = await hostingNamed(parts.database.direct, name);
  await lookAtOne(parts, id);
  const operation = await parts.database.transaction((tx) => acceptIt(tx, id));
  if (operation !== null)
    await recorder(parts, who)(action, id, async () =>
      expectSuccess(await finishOperation(engine, operation.id, id, handover)),
    );
  const seconds = Math.round(performance.now() - begun) / 1000;
  return { vmName, changed: operation !== null, seconds };
}
