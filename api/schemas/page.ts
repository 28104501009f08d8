/** The one way in which every list is read a page at a time. */
import { z } from 'zod';
import { longestPage } from '../../engine';
import { says } from './field-message';
import { wholeNumber } from './whole-number';

const uuid = z.guid(says('identifier_invalid'));

/** Of a query. @param id  what an entry is named by. @default a UUID */
export function page(id: z.ZodString | z.ZodGUID = uuid) {
  return {
    after: id.optional().meta({ description: 'The `next` of the previous page; omit it for the first page' }),
    limit: wholeNumber(1, longestPage)
      .default(50)
      .meta({ description: 'Maximum number of entries per page', examples: [50] }),
  };
}

/** Of an answer. */
export const next = z
  .string()
  .nullable()
  .meta({
    description: 'The `after` of the next page; null on the last page',
    examples: ['5f0c1f0e-0f7b-4f57-8f1c-0d8b3c1f2a3b'],
  });

/** @returns the id of the last entry where more may follow */
export function nextOf<T>(
  found: readonly T[],
  { limit }: { readonly limit: number },
  idOf: (entry: T) => string,
): string | null {
  const last = found.at(-1);
  return last === undefined || found.length < limit ? null : idOf(last);
}
