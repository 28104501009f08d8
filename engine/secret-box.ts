/** Seals what must not lie about in plain text: AES-256-GCM, the key derived from configuration by HKDF-SHA-256. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

export interface SecretBox {
  /** @param context  bound to the result: opening it under another context fails (no swapping of two stacks' states) */
  seal(plain: Buffer, context: string): Buffer;
  /** @throws {Error} when key or context differ or a byte was changed */
  open(sealed: Buffer, context: string): Buffer;
}

const version = 1;
const nonceLength = 12;
const tagLength = 16;

export function secretBox(key: string): SecretBox {
  const derived = Buffer.from(hkdfSync('sha256', key, 'vm-webhoster', 'secret-box v1', 32));
  return {
    seal: (plain, context) => {
      const nonce = randomBytes(nonceLength);
      const cipher = createCipheriv('aes-256-gcm', derived, nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([Buffer.from([version]), nonce, cipher.getAuthTag(), body]);
    },
    open: (sealed, context) => {
      if (sealed[0] !== version) throw new Error('sealed by an unknown version');
      const nonce = sealed.subarray(1, 1 + nonceLength);
      const tag = sealed.subarray(1 + nonceLength, 1 + nonceLength + tagLength);
      const decipher = createDecipheriv('aes-256-gcm', derived, nonce, { authTagLength: tagLength });
      decipher.setAAD(Buffer.from(context)).setAuthTag(tag);
      return Buffer.concat([decipher.update(sealed.subarray(1 + nonceLength + tagLength)), decipher.final()]);
    },
  };
}
