/**
 * Password hashes: bcrypt over base64 of HMAC-SHA-384, because bcrypt drops what follows byte 72 and stops at a NUL.
 * The HMAC's key is public: it only keeps these hashes from being looked up in lists of plain SHA-384.
 */
import { createHmac } from 'node:crypto';
import { compare, getRounds, hash } from 'bcrypt';

const domain = 'vm-webhoster password v1';

export function hashPassword(password: string, cost: number): Promise<string> {
  return hash(preHash(password), cost);
}

export function passwordMatches(password: string, passwordHash: string): Promise<boolean> {
  return compare(preHash(password), passwordHash);
}

/** True for a hash that was made when hashes cost less. */
export function isCheaper(passwordHash: string, cost: number): boolean {
  return getRounds(passwordHash) < cost;
}

function preHash(password: string): string {
  return createHmac('sha384', domain).update(password.normalize('NFC')).digest('base64');
}
