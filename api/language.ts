/** English unless the client prefers Korean. */
import type { Request } from 'express';

export const languages = ['en', 'ko'] as const;
export type Language = (typeof languages)[number];

/** The same words in every language. */
export type Text = Readonly<Record<Language, string>>;

export function languageOf(request: Request): Language {
  // No header means "anything", for which Express answers the first of the list.
  return request.acceptsLanguages([...languages]) === 'ko' ? 'ko' : 'en';
}
