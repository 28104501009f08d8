/**
 * Does the same to many, at most `atOnce` at a time; one that fails does not keep the others from their turn.
 *
 * @returns the results in the order of the items
 * @throws what the first one that failed threw, when all have ended
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
