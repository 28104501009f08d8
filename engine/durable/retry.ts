/** Retrying temporary failures. */
import type { Clock } from '../base/clock';
import { type EngineError, toEngineError } from '../base/errors';
import { Interruption } from './definition';

/** Waits before the second, third, … try, in ms. */
const briefly = [500, 1_000, 2_000, 4_000];
/** Long enough for a part that restarts (libvirtd, Nginx, a database) to be there again. */
const patiently = [...briefly, ...Array<number>(10).fill(8_000)];

/** The delays between retries: few if the operation can be undone, more if giving up would leave something behind. */
export function delaysFor(error: EngineError, way: 'forward' | 'no-way-back' | 'back'): readonly number[] {
  if (way === 'back') return error.retryable ? patiently : briefly;
  if (!error.retryable) return [];
  return way === 'forward' ? briefly : patiently;
}

export interface RetryOptions {
  readonly clock: Clock;
  /** Ends the wait; the attempt itself watches it too. */
  readonly signal: AbortSignal;
  readonly way: Parameters<typeof delaysFor>[1];
  readonly onFailure: (error: EngineError, willRetry: boolean) => void;
}

/**
 * @param tries  the number of tries before this failure
 * @returns true after the wait for another try, false if there is none
 * @throws {Interruption} if it was thrown, the signal has fired, or the lease is lost
 */
export async function anotherTry(thrown: unknown, tries: number, options: RetryOptions): Promise<boolean> {
  const { clock, signal, way, onFailure } = options;
  signal.throwIfAborted();
  if (thrown instanceof Interruption) throw thrown;
  const error = toEngineError(thrown);
  if (error.code === 'lease_lost') throw new Interruption('lease-lost');
  const delay = delaysFor(error, way)[tries];
  onFailure(error, delay !== undefined);
  if (delay === undefined) return false;
  await clock.sleep(delay, signal).catch(() => undefined);
  signal.throwIfAborted();
  return true;
}
