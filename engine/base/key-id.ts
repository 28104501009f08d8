/** A key's name: derived from it and telling nothing else about it, so that whoever configures keys need not name them. */
import { hkdfSync } from 'node:crypto';

/**
 * @param purpose  what the key is for; one key has another name for another purpose
 * @returns 8 bytes
 */
export function keyId(key: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, 'vm-webhoster', `key id ${purpose} v1`, 8));
}
