/** Caches a result for `ms`, but never a failure; concurrent callers share the call in flight. */
export function cachedFor<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let known: { at: number; answer: Promise<T> } | null = null;
  return () => {
    if (known === null || performance.now() - known.at > ms) {
      known = { at: performance.now(), answer: ask() };
      known.answer.catch(() => {
        known = null;
      });
    }
    return known.answer;
  };
}

/** Concurrent callers share the call in flight; nothing is cached. */
export function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let onItsWay: Promise<T> | null = null;
  return () =>
    (onItsWay ??= ask().finally(() => {
      onItsWay = null;
    }));
}
