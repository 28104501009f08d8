/** Waiting, always with an end. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  readonly timeoutMs: number;
  /** Named when it does not come. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** @default 150 */
  readonly pollMs?: number;
}

/**
 * @returns the first thing the probe finds that is not null
 * @throws {Error} when it does not come in time, or the signal's reason
 */
export async function eventually<T>(
  { timeoutMs, what, signal, pollMs = 150 }: Patience,
  probe: () => Promise<T | null> | T | null,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const found = await probe();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await delay(pollMs);
  }
}
