/**
 * Failed attempts at a password, counted by account and address: whoever guesses has to wait, while the account stays
 * open to its owner from every other address. Nothing is locked for good.
 */
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { EngineError } from '../base/errors';
import type { Limiter } from '../base/limits';
import { emailKey } from '../base/emails';

/** Failures within so many seconds from the first one. */
export const attemptLimit = { points: 10, seconds: 15 * 60 };

/**
 * The account that was found, however its address was typed: what would be counted by the text is counted anew with each
 * way to write it. The text, where there is none.
 */
export type AttemptedAccount = { readonly id: number } | { readonly typed: string };

function nameOf(account: AttemptedAccount): string {
  if ('id' in account) return `account ${account.id}`;
  return `address ${emailKey(account.typed) ?? account.typed.trim()}`;
}

/**
 * Counts the attempt before it is made, so that many at once are no way around, and forgets it when it succeeds.
 *
 * @param attempt  null means that the password was wrong
 * @throws {EngineError} too_many_attempts
 */
export async function attempted<T>(
  limiter: Limiter,
  { account, address }: { account: AttemptedAccount; address: string | undefined },
  attempt: () => Promise<T | null>,
): Promise<T | null> {
  // an account's name is not to be read from the table of limits, and has any length
  const name = createHash('sha256').update(nameOf(account)).digest('base64url');
  const key = `password ${name} ${address === undefined ? '-' : networkOf(address)}`;
  const { allowed, seconds } = await limiter.take(key);
  if (!allowed)
    throw new EngineError(
      'too_many_attempts',
      `Too many failed attempts for this account from your address; try again in ${Math.ceil(seconds / 60)} min`,
      { details: { retryAfterSeconds: seconds } },
    );
  const result = await attempt();
  if (result !== null) await limiter.forget(key);
  return result;
}

/** Who has one IPv6 address has a /64 of them; one address is one however it is written. */
export function networkOf(address: string): string {
  const plain = address.replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const groups = groupsOf(plain);
  const isMapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff';
  if (isMapped) return groups.slice(6).map(twoBytes).join('.');
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** All eight, as a URL has them: lower case, no zeros before them, no dots. */
function groupsOf(ipv6: string): string[] {
  const [head = '', tail] = new URL(`http://[${ipv6}]`).hostname.slice(1, -1).split('::');
  const part = (text: string): string[] => (text === '' ? [] : text.split(':'));
  if (tail === undefined) return part(head);
  const zeros = Array<string>(8 - part(head).length - part(tail).length).fill('0');
  return [...part(head), ...zeros, ...part(tail)];
}

function twoBytes(group: string): string {
  const value = parseInt(group, 16);
  return `${value >> 8}.${value & 255}`;
}
