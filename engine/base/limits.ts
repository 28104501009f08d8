/**
 * Limits: at most N points per window; the window opens with the first point. The seam behind which they are counted: in
 * memory, for one process, and in PostgreSQL (store/limits.ts), for all; another store needs these two functions.
 */
export interface Limit {
  readonly points: number;
  readonly seconds: number;
}

export interface Taken {
  /** False if the limit was already used up. */
  readonly allowed: boolean;
  /** Points left in this window. */
  readonly left: number;
  /** Until the window ends; at least 1. */
  readonly seconds: number;
}

export interface Limiter {
  /** Counts, even if nothing is left; that does not extend the window. @param points @default 1 */
  take(key: string, points?: number): Promise<Taken>;
  /** Resets the key. */
  forget(key: string): Promise<void>;
}

/** As many keys as one process keeps; the oldest windows go first, so that nobody can fill its memory. */
const mostKeys = 50_000;

/** @param now  milliseconds. @default the process's own clock */
export function memoryLimiter(limit: Limit, now: () => number = () => performance.now()): Limiter {
  const windows = new Map<string, { used: number; endsAt: number }>();
  const open = (key: string): { used: number; endsAt: number } => {
    const known = windows.get(key);
    if (known !== undefined && known.endsAt > now()) return known;
    windows.delete(key);
    const window = { used: 0, endsAt: now() + limit.seconds * 1000 };
    windows.set(key, window);
    // insertion order is the order of their ends
    const [oldest] = windows.keys();
    if (windows.size > mostKeys && oldest !== undefined) windows.delete(oldest);
    return window;
  };
  return {
    take: (key, points = 1) => {
      const window = open(key);
      window.used += points;
      return Promise.resolve(takenOf(limit, window.used, (window.endsAt - now()) / 1000));
    },
    forget: (key) => {
      windows.delete(key);
      return Promise.resolve();
    },
  };
}

export function takenOf(limit: Limit, used: number, seconds: number): Taken {
  return {
    allowed: used <= limit.points,
    left: Math.max(0, limit.points - used),
    seconds: Math.max(1, Math.ceil(seconds)),
  };
}
