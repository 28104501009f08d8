/** Time that passes by itself: sleepers wake at once, those with the least to sleep first, and each moves the clock on. */
import type { Clock } from '../../engine/base/clock';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export function instantClock(): Clock {
  const begun = Date.now();
  let now = begun;
  const sleepers = new Set<Sleeper>();
  const wakeNext = (): void => {
    const [next] = [...sleepers].sort((one, other) => one.until - other.until);
    if (next === undefined) return;
    // two that sleep side by side do not sleep twice as long
    now = Math.max(now, next.until);
    sleepers.delete(next);
    next.wake();
  };
  return {
    now: () => new Date(now),
    elapsedMs: () => now - begun,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper: Sleeper = {
          until: now + ms,
          wake: () => {
            signal?.removeEventListener('abort', abort);
            resolve();
          },
        };
        const abort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        };
        if (signal?.aborted) {
          abort();
          return;
        }
        signal?.addEventListener('abort', abort, { once: true });
        sleepers.add(sleeper);
        // a turn of the event loop, so that a waiting loop cannot starve what it waits for
        setImmediate(wakeNext);
      }),
  };
}
