/** Remembers an answer for a while, a failure not at all; all who ask at once share one question. */
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

/** All who ask while an answer is on its way get that one; nothing is remembered. */
export function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let onItsWay: Promise<T> | null = null;
  return () =>
    (onItsWay ??= ask().finally(() => {
      onItsWay = null;
    }));
}
