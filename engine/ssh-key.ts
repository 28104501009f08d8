/** SSH public keys that users hand in: one line, one of three types, nothing that sshd would read as an option. */
import { createPublicKey } from 'node:crypto';
import { type ParsedKey, utils } from 'ssh2';
import { EngineError } from './errors';

const line =
  /^(ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) ([A-Za-z0-9+/]+={0,2})(?: ([A-Za-z0-9._@+-]{1,128}))?$/;
const minRsaBits = 2048;

/**
 * The key as it goes into a guest: type, base64, comment.
 *
 * @throws {EngineError} validation_failed
 */
export function parsePublicKey(text: string): string {
  const match = line.exec(text.trim());
  if (match === null || /[\r\n]/.test(text.trim())) {
    throw refused(
      'must be one OpenSSH public key line of type ssh-ed25519, ecdsa-sha2-nistp256/384/521 or ssh-rsa, without options',
    );
  }
  const [, type = '', body = ''] = match;
  const key = readKey(`${type} ${body}`);
  if (key === null || key.type !== type || key.isPrivateKey()) throw refused('is not a valid public key');
  if (!Buffer.from(body, 'base64').equals(key.getPublicSSH())) throw refused('is not a valid public key');
  const modulus = modulusBits(key.getPublicPEM());
  if (modulus === null) throw refused('is not a valid public key');
  if (type === 'ssh-rsa' && modulus < minRsaBits)
    throw refused(`an RSA key needs at least ${minRsaBits} bits`);
  return match[0];
}

/** A new ed25519 pair in OpenSSH's own formats. */
export function makeKeyPair(comment: string): { publicKey: string; privateKey: string } {
  for (;;) {
    const pair = utils.generateKeyPairSync('ed25519', { comment });
    // 1 pair in 256 cannot be read: ssh2 1.17 takes a leading zero byte from the public key (mscdex/ssh2#1513)
    if (readKey(pair.public) !== null) return { publicKey: pair.public, privateKey: pair.private };
  }
}

/** Null for what is no key: ssh2 gives back some errors and throws others, e.g. over a curve point of no bytes. */
function readKey(text: string): ParsedKey | null {
  try {
    const key = utils.parseKey(text);
    return key instanceof Error || Array.isArray(key) ? null : key;
  } catch {
    return null;
  }
}

/** 0 for what is not RSA; null when OpenSSL finds no key in it, e.g. a point that is not on its curve. */
function modulusBits(pem: string): number | null {
  try {
    return createPublicKey(pem).asymmetricKeyDetails?.modulusLength ?? 0;
  } catch {
    return null;
  }
}

function refused(why: string): EngineError {
  return new EngineError('validation_failed', `ssh_public_key ${why}`, {
    details: { fields: [{ field: 'ssh_public_key', message: why }] },
  });
}
