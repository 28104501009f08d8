/** Reconcilers: functions that look at something again and again, and say how their last look went. */
import { type Log, oncePerMinute } from './log';
import { toEngineError } from './errors';

export interface Every {
  /** For the log, health and metrics, e.g. `expired leases`. */
  readonly name: string;
  /** From the end of one call to the start of the next. */
  readonly intervalMs: number | (() => number);
  readonly log: Log;
}

/** How a reconciler is, by a clock that nobody sets. */
export interface LastLook {
  readonly name: string;
  /** Since its last look ended, or since it began to look if none has ended yet. */
  readonly seconds: number;
  /** The pause between two looks. */
  readonly intervalSeconds: number;
  /** What the last look that succeeded found or did, e.g. `2 findings`; null if there was nothing to say. */
  readonly found: string | null;
  /** Why the last look failed, as an error's code; null if it succeeded. */
  readonly failure: string | null;
}

export interface Reconciler {
  stop(): void;
  lastLook(): LastLook;
}

/**
 * Calls `look` immediately, then every `intervalMs`; never twice at a time. A lasting failure is logged once a minute, and
 * so is its end.
 *
 * @param look  a text that it resolves with says what was found or done
 */
export function every({ name, intervalMs, log }: Every, look: () => Promise<unknown>): Reconciler {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let failingSince: number | null = null;
  let worthTelling = oncePerMinute();
  let endedAt = performance.now();
  let last: Pick<LastLook, 'found' | 'failure'> = { found: null, failure: null };
  const pauseMs = (): number => (typeof intervalMs === 'number' ? intervalMs : intervalMs());

  const failed = (thrown: unknown): void => {
    failingSince ??= performance.now();
    const err = toEngineError(thrown);
    last = { ...last, failure: err.code };
    if (!stopped && worthTelling('')) log.warn({ err, reconciler: name }, 'look failed, trying again');
  };
  const succeeded = (said: unknown): void => {
    last = { found: typeof said === 'string' ? said : null, failure: null };
    if (failingSince === null) return;
    const seconds = Math.round((performance.now() - failingSince) / 1000);
    log.info({ reconciler: name, seconds }, 'look succeeds again');
    failingSince = null;
    worthTelling = oncePerMinute();
  };
  const next = async (): Promise<void> => {
    await look().then(succeeded, failed);
    endedAt = performance.now();
    if (!stopped) timer = setTimeout(() => void next(), pauseMs());
  };
  void next();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
    lastLook: () => ({
      name,
      seconds: Math.round((performance.now() - endedAt) / 1000),
      intervalSeconds: pauseMs() / 1000,
      ...last,
    }),
  };
}

/** A reconciler that has more to end than its next look. */
export function andThen(reconciler: Reconciler, stop: () => void): Reconciler {
  return {
    ...reconciler,
    stop: () => {
      reconciler.stop();
      stop();
    },
  };
}
