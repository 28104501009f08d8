/**
 * The one form of an e-mail address by which accounts are told apart. It is made here and nowhere else: two programs that
 * fold case each in their own way (JavaScript and PostgreSQL differ in İ and ı) are a way around whatever counts by it.
 * PostgreSQL compares what is made here byte by byte.
 */
import { lowerAscii, readEmail } from './typed-names';

/**
 * As `users.email_key` has it: ASCII, lower case, the domain in its xn-- form. Mailboxes that differ in case alone are
 * one: no provider tells them apart, and people type both.
 *
 * @returns null for what has no such form: it is no address, or has letters beyond ASCII before the @
 */
export function emailKey(typed: string): string | null {
  const email = readEmail(typed);
  return email === null ? null : lowerAscii(email);
}

/**
 * What an account of this address may have in `users.email_key`; of two the first wins. The text as it was typed is among
 * it for accounts that are older than this form and could not get it (ADR 20); no new one can have such a key.
 */
export function emailKeysOf(typed: string): string[] {
  const exact = typed.trim();
  // PostgreSQL takes no NUL in a text
  if (exact.includes('\0')) return [];
  const key = emailKey(exact);
  return key === null || key === exact ? [exact] : [exact, key];
}

/** For each account the form that it gets; of those that collide the first keeps it, the others keep theirs as typed. */
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
