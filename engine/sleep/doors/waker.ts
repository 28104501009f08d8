/** What the doors ask: whoever comes to a hosting that sleeps has it woken once, however many they are. */
import { type EngineParts, hasEnded, operations } from '../../durable';
import { toEngineError } from '../../base/errors';
import { acceptWake } from '../sleep';
import { findHosting } from '../../store/hostings';
import { hostingOfPort } from '../../store/sleep';

/** `gone`: there is no such hosting, or it does not sleep but ends. */
export type Woken = { readonly ip: string } | 'failed' | 'gone';

export interface Waker {
  /** Never throws. Who comes while it wakes waits for the same end. */
  wake(hostingId: string): Promise<Woken>;
  /** The same by the SSH port. */
  wakePort(port: number): Promise<Woken>;
}

/** Longer than any restore; a boot from the disk (after `--cold`) is waited for elsewhere. */
const patienceMs = 120_000;
/** What could not be woken is not tried again at once, however many ask. */
const restMs = 10_000;

/** @param stop  ends the waiting, not the waking */
export function waker({ parts, bus }: EngineParts, stop?: AbortSignal): Waker {
  const { database, log } = parts;
  const underWay = new Map<string, Promise<Woken>>();

  const wakeNow = async (hostingId: string): Promise<Woken> => {
    const operation = await database.transaction((tx) => acceptWake(parts, tx, hostingId));
    if (operation !== null) {
      const ended = await operations(parts, bus).wait(operation.id, { timeoutMs: patienceMs, signal: stop });
      if (!hasEnded(ended) || ended.status !== 'succeeded') return 'failed';
    }
    const hosting = await findHosting(database.direct, hostingId);
    return hosting?.status === 'running' ? { ip: hosting.ip } : 'gone';
  };
  const told = async (hostingId: string): Promise<Woken> => {
    try {
      return await wakeNow(hostingId);
    } catch (thrown) {
      const error = toEngineError(thrown);
      if (['hosting_not_found', 'hosting_busy'].includes(error.code)) return 'gone';
      log.warn({ err: error, hostingId }, 'VM could not be woken');
      return 'failed';
    }
  };
  const wake = (hostingId: string): Promise<Woken> => {
    const before = underWay.get(hostingId);
    if (before !== undefined) return before;
    const waking = told(hostingId);
    underWay.set(hostingId, waking);
    void waking.then((woken) => {
      const forget = (): void => void underWay.delete(hostingId);
      if (woken === 'failed') setTimeout(forget, restMs).unref();
      else forget();
    });
    return waking;
  };
  return {
    wake,
    wakePort: async (port) => {
      const hostingId = await hostingOfPort(database.direct, port).catch(() => null);
      return hostingId === null ? 'gone' : wake(hostingId);
    },
  };
}
