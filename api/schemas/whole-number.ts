import { z } from 'zod';

/** A whole number in a query, as digits and nothing else: a name without a value is not 0, and `1e3` is not 1000. */
export function wholeNumber(least: number, most: number) {
  const read = (sent: unknown): unknown =>
    typeof sent === 'string' && /^\d{1,15}$/.test(sent) ? Number(sent) : sent;
  return z.preprocess(read, z.number().int().min(least).max(most));
}
