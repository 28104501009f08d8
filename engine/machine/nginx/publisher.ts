/**
 * Brings the routes of the database to the proxy. One publish at a time and at most one reload per 250 ms: calls
 * that come meanwhile share the next one, which reads the routes only when it starts, so that none is missed.
 */
import type { Clock } from '../../base/clock';

export interface RoutePublisher {
  /** Returns when every route that was in the database at the time of the call is served. */
  publish(): Promise<void>;
}

const minIntervalMs = 250;

/** @param publishNow  reads the routes and makes them live */
export function routePublisher(publishNow: () => Promise<void>, clock: Clock): RoutePublisher {
  let waiting: Promise<void> | null = null;
  let running: Promise<unknown> = Promise.resolve();
  let lastStart = -Infinity;

  const next = async (): Promise<void> => {
    await running;
    await clock.sleep(Math.max(0, lastStart + minIntervalMs - clock.elapsedMs()));
    waiting = null;
    lastStart = clock.elapsedMs();
    const run = publishNow();
    running = run.catch(() => undefined);
    return run;
  };
  return { publish: () => (waiting ??= next()) };
}
