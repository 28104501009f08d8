/**
 * Seals data that must not be stored in plain text: AES-256-GCM, with a key derived from the configuration by HKDF-SHA-256.
 * A seal names its key, so that several can be in use: the newest one seals, all of them open.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { keyId } from './key-id';

export interface SecretBox {
  /** @param context  bound to the result: opening it in another context fails, so two stacks' states cannot be swapped */
  seal(plain: Buffer, context: string): Buffer;
  /** @throws {Error} if no key fits, the context differs or a byte was changed */
  open(sealed: Buffer, context: string): Buffer;
  /** False if the key that it was sealed with is unknown here; the first bytes of a seal name it. */
  knowsKeyOf(sealed: Buffer): boolean;
  /** False if it was sealed with an old key, or before seals named their keys. */
  isCurrent(sealed: Buffer): boolean;
  /** The first bytes of every new seal. */
  readonly currentPrefix: Buffer;
}

/** Without the key's name; no more made. */
const unnamed = 1;
const version = 2;
const idLength = 8;
const nonceLength = 12;
const tagLength = 16;

interface Key {
  readonly id: Buffer;
  readonly derived: Buffer;
}

/** @param oldKeys  only for opening */
export function secretBox(key: string, oldKeys: readonly string[] = []): SecretBox {
  const [newest, ...older] = [key, ...oldKeys].map(derive) as [Key, ...Key[]];
  const keys = [newest, ...older];
  const currentPrefix = Buffer.concat([Buffer.from([version]), newest.id]);
  const isCurrent = (sealed: Buffer): boolean => sealed.subarray(0, 1 + idLength).equals(currentPrefix);
  return {
    currentPrefix,
    isCurrent,
    // one without its key's name is known when it opens
    knowsKeyOf: (sealed) =>
      sealed[0] === unnamed ||
      (sealed[0] === version && keys.some(({ id }) => id.equals(sealed.subarray(1, 1 + idLength)))),
    seal: (plain, context) => {
      const nonce = randomBytes(nonceLength);
      const cipher = createCipheriv('aes-256-gcm', newest.derived, nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([currentPrefix, nonce, cipher.getAuthTag(), body]);
    },
    open: (sealed, context) => {
      if (sealed[0] === unnamed) return firstThatOpens(keys, sealed.subarray(1), context);
      if (sealed[0] !== version) throw new Error('sealed by an unknown version');
      const id = sealed.subarray(1, 1 + idLength);
      const named = keys.find((each) => each.id.equals(id));
      if (named === undefined) throw new Error('sealed with a key that is not known here');
      return openWith(named, sealed.subarray(1 + idLength), context);
    },
  };
}

function derive(key: string): Key {
  return {
    id: keyId(key, 'secret box'),
    derived: Buffer.from(hkdfSync('sha256', key, 'vm-webhoster', 'secret-box v1', 32)),
  };
}

function firstThatOpens(keys: readonly Key[], sealed: Buffer, context: string): Buffer {
  let last: unknown;
  for (const key of keys) {
    try {
      return openWith(key, sealed, context);
    } catch (thrown) {
      last = thrown;
    }
  }
  throw last;
}

function openWith({ derived }: Key, sealed: Buffer, context: string): Buffer {
  const nonce = sealed.subarray(0, nonceLength);
  const tag = sealed.subarray(nonceLength, nonceLength + tagLength);
  const decipher = createDecipheriv('aes-256-gcm', derived, nonce, { authTagLength: tagLength });
  decipher.setAAD(Buffer.from(context)).setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed.subarray(nonceLength + tagLength)), decipher.final()]);
}
