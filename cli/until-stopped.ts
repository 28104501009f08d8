/**
 * Fires on Ctrl-C and its like. What the engine started runs in groups of its own, which the terminal does not reach:
 * the engine ends them, gives its lease back, and the command fails.
 */
export function untilStopped(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stop.abort(new Error(`stopped by ${signal}`));
    });
  }
  return stop.signal;
}
