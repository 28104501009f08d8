/** A name for a key, derived from it and revealing nothing else about it, so that keys need no configured names. */
import { hkdfSync } from 'node:crypto';

/**
 * @param purpose  what the key is for; a key has a different name for each purpose
 * @returns 8 bytes
 */
export function keyId(key: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, 'vm-webhoster', `key id ${purpose} v1`, 8));
}
