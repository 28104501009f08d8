/**
 * The one form of an e-mail address that identifies an account. It is made here and nowhere else: two programs that
 * fold case in their own ways (JavaScript and PostgreSQL differ in İ and ı) would leave a way around what counts by it.
 * PostgreSQL compares what is made here byte by byte.
 */
import { lowerAscii, readEmail } from './typed-names';

/**
 * The form in `users.email_key`: ASCII, lower case, the domain in its xn-- form. Mailboxes that differ only in case are
 * one: no provider distinguishes them, and people type both.
 *
 * @returns null if there is no such form: the text is no address, or has non-ASCII letters before the @
 */
export function emailKey(typed: string): string | null {
  const email = readEmail(typed);
  return email === null ? null : lowerAscii(email);
}

/**
 * What an account with this address can have in `users.email_key`; of two, the first wins. The text as typed is included
 * for accounts that are older than this form and could not get it (ADR 20); no new account can have such a key.
 */
export function emailKeysOf(typed: string): string[] {
  const exact = typed.trim();
  // PostgreSQL takes no NUL in a text
  if (exact.includes('\0')) return [];
  const key = emailKey(exact);
  return key === null || key === exact ? [exact] : [exact, key];
}

/** The form that each account gets; of accounts that collide, the first gets it and the others keep theirs as typed. */
export function keysOfOlder(
  accounts: readonly { readonly id: number; readonly email: string }[],
): Map<number, string> {
  const keys = new Map<number, string>();
  const taken = new Set<string>();
  const isOwn = ({ email }: { email: string }): boolean => emailKey(email) === email;
  // whose address is in that form already has it, then who came first
  const inTurn = [...accounts].sort((a, b) => Number(isOwn(b)) - Number(isOwn(a)) || a.id - b.id);
  for (const { id, email } of inTurn) {
    const key = emailKey(email);
    const got = key === null || taken.has(key) ? email : key;
    taken.add(got);
    keys.set(id, got);
  }
  return keys;
}
