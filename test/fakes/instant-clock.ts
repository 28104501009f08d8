/** Time that passes by itself: a sleep ends at once and moves the clock on. */
import type { Clock } from '../../engine/clock';

export function instantClock(): Clock {
  let now = Date.now();
  return {
    now: () => new Date(now),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      now += ms;
      // a turn of the event loop, so that a waiting loop cannot starve what it waits for
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
