/**
 * Runs one function for many items, at most `atOnce` at a time; a failure does not stop the others.
 *
 * @returns the results in the order of the items
 * @throws the first failure, once all have ended
 */
export async function eachOf<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const left = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [position, item] = next;
      try {
        results[position] = await work(item);
      } catch (thrown) {
        failures.push(thrown);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, atOnce) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}

/**
 * Runs different things concurrently.
 *
 * @returns their results in order
 * @throws the first failure in the order of the list, once all have ended: nothing keeps running unnoticed
 */
export async function allOf<T extends readonly Promise<unknown>[]>(
  works: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const settled = await Promise.allSettled(works);
  for (const each of settled) if (each.status === 'rejected') throw each.reason;
  return settled.map((each) => (each as PromiseFulfilledResult<unknown>).value) as {
    -readonly [K in keyof T]: Awaited<T[K]>;
  };
}
