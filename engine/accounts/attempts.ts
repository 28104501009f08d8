/**
 * Failed attempts at a password, counted by account and address: whoever guesses has to wait, while the account stays
 * open to its owner from every other address. Nothing is locked for good.
 */
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { EngineError } from '../errors';
import type { Limiter } from '../limits';

/** Failures within so many seconds from the first one. */
export const attemptLimit = { points: 10, seconds: 15 * 60 };

/**
 * Counts the attempt before it is made, so that many at once are no way around, and forgets it when it succeeds.
 *
 * @param attempt  null means that the password was wrong
 * @throws {EngineError} too_many_attempts
 */
export async function attempted<T>(
  limiter: Limiter,
  { account, address }: { account: string; address: string | undefined },
  attempt: () => Promise<T | null>,
): Promise<T | null> {
  // an account's name is not to be read from the table of limits, and has any length
  const name = createHash('sha256').update(account.toLowerCase()).digest('base64url');
  const key = `password ${name} ${address === undefined ? '-' : networkOf(address)}`;
  const { allowed, seconds } = await limiter.take(key);
  if (!allowed)
    throw new EngineError(
      'too_many_attempts',
      `Too many failed attempts for this account from your address; try again in ${Math.ceil(seconds / 60)} minutes`,
      { details: { retryAfterSeconds: seconds } },
    );
  const result = await attempt();
  if (result !== null) await limiter.forget(key);
  return result;
}

/** Who has one IPv6 address has a /64 of them. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail = ''] = plain.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = plain.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0;
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
