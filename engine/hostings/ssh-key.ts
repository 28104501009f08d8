/**
 * SSH public keys as people paste them. What comes out is one line: a type that the guests take, a body that was looked
 * at, and of the comment only what means nothing to sshd, YAML or a shell.
 */
import { utils } from 'ssh2';
import { EngineError } from '../base/errors';
import { bodyProblem, isWhole, type KeyType, keyTypes, readKey } from '../base/ssh-key-body';

/** What can be wrong with it, and what to do. */
export const sshKeyProblems = {
  ssh_key_invalid:
    'must be an OpenSSH public key, such as "ssh-ed25519 AAAA… you@laptop"; `cat ~/.ssh/id_ed25519.pub` prints yours',
  ssh_key_empty: 'is empty; omit it to have a key pair generated for you',
  ssh_key_private:
    'is a private key, which must never be shared; send the public key, which `ssh-keygen -y -f FILE` prints',
  ssh_key_putty:
    'is a PuTTY key file; open it in PuTTYgen and copy the text below "Public key for pasting into OpenSSH authorized_keys file"',
  ssh_key_fingerprint:
    'is the fingerprint of a key; send the key itself, which `cat ~/.ssh/id_ed25519.pub` prints',
  ssh_key_file:
    'is the location of a key; send the contents of the file, which `cat ~/.ssh/id_ed25519.pub` prints',
  ssh_key_pem: 'is a key in PEM format; `ssh-keygen -i -m PKCS8 -f FILE` converts it to the OpenSSH format',
  ssh_key_several: 'must be a single key; remove the other lines',
  ssh_key_options: 'must begin with the key type, such as ssh-ed25519; remove everything before it',
  ssh_key_certificate: 'is a certificate; send the key that it was issued for (the file without -cert)',
  ssh_key_type:
    'has an unsupported type; `ssh-keygen -t ed25519` generates a supported one (ecdsa, rsa and both -sk types are supported too)',
  ssh_key_short: 'is an RSA key with fewer than 2048 bits; `ssh-keygen -t ed25519` generates a better one',
  ssh_key_damaged: 'is incomplete or was altered on the way; copy it again, from beginning to end',
} as const;
export type SshKeyProblem = keyof typeof sshKeyProblems;

const longestComment = 128;
const typeList = keyTypes.join('|').replaceAll('.', '\\.');
const typeFirst = new RegExp(`^(${typeList})(?=\\s|$)`);
const typeSomewhere = new RegExp(`(^|\\s)(${typeList}|ssh-dss)\\s+AAAA`);
const piece = /^[A-Za-z0-9+/]+={0,2}$/;

/** @returns type, base64 and, if anything of it is safe, the comment; or what is wrong */
export function readPublicKey(text: string): { readonly key: string } | { readonly problem: SshKeyProblem } {
  const pasted = withoutQuotes(text.replace(/[\u200b-\u200d\u2060\ufeff]/g, '').trim());
  if (pasted === '') return { problem: 'ssh_key_empty' };
  if (/[^\P{Cc}\t\n\r]/u.test(pasted)) return { problem: 'ssh_key_invalid' };
  const another = anotherThing(pasted);
  if (another !== null) return { problem: another };
  return pasted.startsWith('---- BEGIN SSH2 PUBLIC KEY') ? fromSsh2(pasted) : fromLines(pasted);
}

/**
 * The key as it goes into a guest.
 *
 * @throws {EngineError} validation_failed, with what to do; never with what was sent
 */
export function parsePublicKey(text: string): string {
  const read = readPublicKey(text);
  if ('key' in read) return read.key;
  const message = sshKeyProblems[read.problem];
  throw new EngineError('validation_failed', `ssh_public_key ${message}`, {
    details: { fields: [{ field: 'ssh_public_key', message }] },
  });
}

/** How the comment of a key begins that was made here, before its owner's name. */
export const madeKeyComment = 'vm-webhoster-';

/** A new ed25519 pair in OpenSSH's own formats. */
export function makeKeyPair(comment: string): { publicKey: string; privateKey: string } {
  for (;;) {
    const pair = utils.generateKeyPairSync('ed25519', { comment });
    // 1 pair in 256 cannot be read: ssh2 1.17 takes a leading zero byte from the public key (mscdex/ssh2#1513)
    if (readKey(pair.public) !== null) return { publicKey: pair.public, privateKey: pair.private };
  }
}

/** What people send in the place of a public key. */
function anotherThing(text: string): SshKeyProblem | null {
  if (/PRIVATE KEY-+/.test(text)) return 'ssh_key_private';
  if (/^PuTTY-User-Key-File/i.test(text)) return 'ssh_key_putty';
  if (/^-----BEGIN/.test(text)) return 'ssh_key_pem';
  if (/^(\d+ )?(SHA256:|MD5:|([0-9a-f]{2}:){15})/.test(text)) return 'ssh_key_fingerprint';
  if (/^(~|\.{0,2}\/|[A-Za-z]:\\|@|https?:)|^\S+\.(pub|pem|ppk)$/.test(text)) return 'ssh_key_file';
  return null;
}

function withoutQuotes(text: string): string {
  return /^(["'`])([^]*)\1$/.exec(text)?.[2]?.trim() ?? text;
}

function fromLines(text: string): ReturnType<typeof readPublicKey> {
  const lines = text
    .split(/\r\n|[\r\n\u2028\u2029]/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const type = typeFirst.exec(lines[0] ?? '')?.[1] as KeyType | undefined;
  if (type === undefined) return { problem: wrongBeginning(lines[0] ?? '') };
  if (lines.slice(1).some((line) => typeFirst.test(line))) return { problem: 'ssh_key_several' };
  return fromFields(type, [(lines[0] ?? '').slice(type.length), ...lines.slice(1)]);
}

function wrongBeginning(line: string): SshKeyProblem {
  if (/^\S+-cert-v0[01]@openssh\.com\s/.test(line)) return 'ssh_key_certificate';
  if (typeSomewhere.test(line.slice(1))) return 'ssh_key_options';
  return /^\S+\s+AAAA/.test(line) ? 'ssh_key_type' : 'ssh_key_invalid';
}

/** A window or a mail may have broken the body: what is long enough for its own lengths is whole. */
function fromFields(type: KeyType, lines: readonly string[]): ReturnType<typeof readPublicKey> {
  let body = '';
  for (const [index, line] of lines.entries()) {
    const words = line.split(/\s+/).filter((word) => word !== '');
    for (const [at, word] of words.entries()) {
      if (!piece.test(word)) return { problem: 'ssh_key_damaged' };
      body += word;
      if (!isWhole(type, body)) continue;
      if (index < lines.length - 1) return { problem: 'ssh_key_several' };
      return checked(type, body, words.slice(at + 1).join(' '));
    }
  }
  return { problem: 'ssh_key_damaged' };
}

/** RFC 4716, as PuTTYgen saves and `ssh-keygen -e` prints it. */
function fromSsh2(text: string): ReturnType<typeof readPublicKey> {
  const inside = /^-{4} BEGIN SSH2 PUBLIC KEY -{4}\s([^]*?)\s-{4} END SSH2 PUBLIC KEY -{4}$/.exec(text)?.[1];
  // a header may go on in the next line, behind a backslash
  const body = (inside ?? '').replace(/^[^\s:]+:(?:.*\\\r?\n)*.*$/gm, '').replace(/\s+/g, '');
  const bytes = Buffer.from(body, 'base64');
  const name = bytes.length < 4 ? '' : bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('latin1');
  const type = keyTypes.find((each) => each === name);
  if (type === undefined) return { problem: name === 'ssh-dss' ? 'ssh_key_type' : 'ssh_key_damaged' };
  return piece.test(body) && isWhole(type, body) ? checked(type, body, '') : { problem: 'ssh_key_damaged' };
}

function checked(type: KeyType, body: string, comment: string): ReturnType<typeof readPublicKey> {
  const problem = bodyProblem(type, body);
  if (problem !== null) return { problem: `ssh_key_${problem}` };
  const kept = safeComment(comment);
  return { key: kept === '' ? `${type} ${body}` : `${type} ${body} ${kept}` };
}

/** Guests get no character of a comment that anything there could read as more than a comment. */
function safeComment(comment: string): string {
  return comment
    .replace(/[^A-Za-z0-9._@+-]+/g, '-')
    .slice(0, longestComment)
    .replace(/^-+|-+$/g, '');
}
