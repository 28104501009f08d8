/** Trying again what may pass. */
import type { Clock } from '../clock';
import { type EngineError, toEngineError } from '../errors';
import { Interruption } from './operation';

export interface RetryOptions {
  readonly clock: Clock;
  /** Ends the waiting; the attempt itself watches it too. */
  readonly signal: AbortSignal;
  readonly worthAnother: (error: EngineError) => boolean;
  readonly onFailure: (error: EngineError, willRetry: boolean) => void;
}

/** Waits before the second, third, … try. */
const delaysMs = [500, 1_000, 2_000, 4_000];

/**
 * @returns what the first successful attempt returns
 * @throws the signal's reason when it fired; {Interruption} when the lease is lost; the last attempt's {EngineError}
 */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, worthAnother, onFailure } = options;
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toEngineError(thrown);
      if (error.code === 'lease_lost') throw new Interruption('lease-lost');
      const delay = worthAnother(error) ? delaysMs[tries] : undefined;
      onFailure(error, delay !== undefined);
      if (delay === undefined) throw error;
      await clock.sleep(delay, signal).catch(() => undefined);
    }
  }
}
