/** The body of an SSH public key: length-prefixed strings (RFC 4253, and OpenSSH's PROTOCOL.u2f). */
import { createPublicKey } from 'node:crypto';
import { type ParsedKey, utils } from 'ssh2';

export const keyTypes = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const;
export type KeyType = (typeof keyTypes)[number];

/** How many strings a body has. */
const fieldCount: Readonly<Record<KeyType, number>> = {
  'ssh-ed25519': 2,
  'ecdsa-sha2-nistp256': 3,
  'ecdsa-sha2-nistp384': 3,
  'ecdsa-sha2-nistp521': 3,
  'ssh-rsa': 3,
  'sk-ssh-ed25519@openssh.com': 3,
  'sk-ecdsa-sha2-nistp256@openssh.com': 4,
};

/** A key on a token is a plain one, and the application that it was made for. */
const plainType: Partial<Record<KeyType, KeyType>> = {
  'sk-ssh-ed25519@openssh.com': 'ssh-ed25519',
  'sk-ecdsa-sha2-nistp256@openssh.com': 'ecdsa-sha2-nistp256',
};

const minRsaBits = 2048;

/** True if the last of its strings ends where the body ends. */
export function isWhole(type: KeyType, body: string): boolean {
  return fieldsOf(body)?.length === fieldCount[type];
}

/** What is wrong with a complete body; null if it is a key that a guest can use. */
export function bodyProblem(type: KeyType, body: string): 'damaged' | 'short' | null {
  const plain = plainType[type];
  if (plain === undefined) return plainProblem(type, body);
  const [name, ...rest] = fieldsOf(body) ?? [];
  const application = rest.pop()?.toString('latin1') ?? '';
  if (name?.toString('latin1') !== type || !/^[\x21-\x7e]{1,256}$/.test(application)) return 'damaged';
  return plainProblem(plain, wire([Buffer.from(plain), ...rest]));
}

function plainProblem(type: KeyType, body: string): 'damaged' | 'short' | null {
  const key = readKey(`${type} ${body}`);
  if (key === null || key.type !== type || key.isPrivateKey()) return 'damaged';
  if (!Buffer.from(body, 'base64').equals(key.getPublicSSH())) return 'damaged';
  const modulus = modulusBits(key.getPublicPEM());
  if (modulus === null) return 'damaged';
  return type === 'ssh-rsa' && modulus < minRsaBits ? 'short' : null;
}

/** Null where a length points behind the end. */
function fieldsOf(body: string): Buffer[] | null {
  const bytes = Buffer.from(body, 'base64');
  const fields: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) return null;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return null;
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

function wire(fields: readonly Buffer[]): string {
  const blocks = fields.map((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return Buffer.concat([length, field]);
  });
  return Buffer.concat(blocks).toString('base64');
}

/** Null if it is not a key: ssh2 returns some errors and throws others, e.g. for an empty curve point. */
export function readKey(text: string): ParsedKey | null {
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
