/** Accepting that a hosting sleeps or wakes. */
import type { User } from '../model/account';
import type { Operation } from '../model/operation';
import { livingHosting, lookAtOne, noSuchHosting } from '../hostings';
import { accept, type EngineParts, expectSuccess, finishOperation, type Parts } from '../durable';
import { EngineError } from '../base/errors';
import { sleepHosting, type SleepInput } from './sleep-hosting';
import { wakeHosting, type WakeInput } from './wake-hosting';
import { admitVm } from '../store/capacity';
import type { Tx } from '../store/database';
import { getHosting, type HostingRow, lockHosting } from '../store/hostings';
import { unfinishedOperation } from '../store/operations';
import { isWorkedOn } from '../store/sleep';

export interface Sleep {
  /** Has the user's hosting woken. @returns null when it is awake. @throws hosting_not_found, hosting_busy, node_full */
  wake(user: User): Promise<Operation | null>;
}

export function sleep(parts: Pick<Parts, 'config' | 'database' | 'inventory' | 'log' | 'queue'>): Sleep {
  const { database } = parts;
  return {
    wake: async (user) => {
      const { id } = await livingHosting(database.direct, user);
      await lookAtOne(parts, id);
      return database.transaction((tx) => acceptWake(parts, tx, id));
    },
  };
}

/** @throws {EngineError} hosting_not_found, hosting_busy, validation_failed when it does not run */
export async function acceptSleep(
  parts: Pick<Parts, 'queue'>,
  tx: Tx,
  id: string,
  input: SleepInput,
): Promise<Operation | null> {
  const hosting = await locked(tx, id);
  const { status, vmName } = hosting;
  if (status === 'sleeping') return unfinishedOperation(tx, id, sleepHosting.kind);
  if (await isWorkedOn(tx, id))
    throw new EngineError('hosting_busy', `${vmName} is busy; try again in a minute`);
  if (status !== 'running')
    throw new EngineError(
      'validation_failed',
      `Only a running hosting can be put to sleep; ${vmName} is ${status}`,
    );
  return accept(parts, tx, sleepHosting, { ...about(hosting), input });
}

/**
 * As often as it is called, one operation wakes, or starts what is off though it should run.
 *
 * @returns null when it is awake
 * @throws {EngineError} hosting_not_found, hosting_busy when it is neither asleep nor awake, node_full
 */
export async function acceptWake(
  parts: Pick<Parts, 'config' | 'queue'>,
  tx: Tx,
  id: string,
  input: WakeInput = { cold: false },
): Promise<Operation | null> {
  const hosting = await locked(tx, id);
  const { status, trouble, vmName } = hosting;
  const underWay = await unfinishedOperation(tx, id, wakeHosting.kind);
  if (underWay !== null) return underWay;
  const fallingAsleep = (await unfinishedOperation(tx, id, sleepHosting.kind)) !== null;
  // one that is unreachable runs, and nothing that wakes would help it
  const isDown = trouble !== null && trouble !== 'unreachable';
  if (status === 'running' && !fallingAsleep && !isDown) return null;
  if (status !== 'sleeping' && status !== 'running')
    throw new EngineError('hosting_busy', `Only a sleeping hosting can be woken; ${vmName} is ${status}`);
  // the memory of one that should run is its own already, and that of one that falls asleep is not yet given back
  if (status === 'sleeping' && !fallingAsleep)
    await admitVm(tx, parts.config, { memoryMiB: hosting.memoryMiB, diskGiB: 0 });
  return accept(parts, tx, wakeHosting, { ...about(hosting), input });
}

function about({ id, userId }: HostingRow) {
  return { stackId: id, hostingId: id, userId: userId ?? undefined };
}

async function locked(tx: Tx, id: string): Promise<HostingRow> {
  if (await lockHosting(tx, id)) return getHosting(tx, id);
  throw noSuchHosting();
}

/** For whatever needs the VM of a hosting that sleeps. @throws {EngineError} why it could not be woken */
export async function wakeFor(engine: EngineParts, id: string, handover: AbortSignal): Promise<void> {
  const { parts } = engine;
  const operation = await parts.database.transaction((tx) => acceptWake(parts, tx, id));
  if (operation !== null) expectSuccess(await finishOperation(engine, operation.id, id, handover));
}
