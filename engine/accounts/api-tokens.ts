/**
 * Personal API tokens, for scripts: 256 random bits behind a mark that secret scanners can look for. The database holds
 * their SHA-256, so that nobody who reads it can use one.
 */
import { createHash, randomBytes } from 'node:crypto';

const mark = 'whk_';
const whole = /^whk_[A-Za-z0-9_-]{43}$/;

export interface MadeToken {
  /** Given once. */
  readonly token: string;
  /** What may be shown of it later. */
  readonly prefix: string;
  readonly hash: Buffer;
}

export function makeApiToken(): MadeToken {
  const token = `${mark}${randomBytes(32).toString('base64url')}`;
  return { token, prefix: token.slice(0, mark.length + 8), hash: hashApiToken(token) };
}

export function isApiToken(text: string): boolean {
  return whole.test(text);
}

export function hashApiToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
