/** Calls a function periodically. A lasting failure is logged once a minute, and so is its end. */
import { type Log, oncePerMinute } from './log';
import { toEngineError } from './errors';

export interface Every {
  /** For the log, e.g. `expired leases`. */
  readonly name: string;
  /** From the end of one call to the start of the next. */
  readonly intervalMs: number | (() => number);
  readonly log: Log;
}

/** Calls `look` immediately, then every `intervalMs`; never twice at a time. @returns a function that stops it */
export function every({ name, intervalMs, log }: Every, look: () => Promise<void>): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let failingSince: number | null = null;
  let worthTelling = oncePerMinute();

  const failed = (thrown: unknown): void => {
    failingSince ??= performance.now();
    if (!stopped && worthTelling(''))
      log.warn({ err: toEngineError(thrown), reconciler: name }, 'look failed, trying again');
  };
  const succeeded = (): void => {
    if (failingSince === null) return;
    const seconds = Math.round((performance.now() - failingSince) / 1000);
    log.info({ reconciler: name, seconds }, 'look succeeds again');
    failingSince = null;
    worthTelling = oncePerMinute();
  };
  const next = async (): Promise<void> => {
    await look().then(succeeded, failed);
    const pauseMs = typeof intervalMs === 'number' ? intervalMs : intervalMs();
    if (!stopped) timer = setTimeout(() => void next(), pauseMs);
  };
  void next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
