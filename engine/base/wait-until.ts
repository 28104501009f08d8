/** Waits by probing, never by sleeping and hoping. */
import type { Clock } from './clock';

export interface WaitOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Pause between the end of one probe and the start of the next. */
  readonly pollMs: number;
  readonly onTimeout: () => Error;
}

/** @returns the first thing the probe finds that is not null */
export async function waitUntil<T>(probe: () => Promise<T | null>, options: WaitOptions): Promise<T> {
  const { clock, signal, pollMs } = options;
  const deadline = clock.elapsedMs() + options.timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const found = await probe();
    if (found !== null) return found;
    if (clock.elapsedMs() >= deadline) throw options.onTimeout();
    await clock.sleep(pollMs, signal);
  }
}
