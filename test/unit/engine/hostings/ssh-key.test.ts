import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { utils } from 'ssh2';
import { EngineError } from '../../../../engine/base/errors';
import { makeKeyPair, parsePublicKey } from '../../../../engine/hostings/ssh-key';
import { removeScratch, scratchDir, thrownBy } from '../support';

afterAll(removeScratch);

/** RFC 4251 strings, one behind the other, as base64. */
function wire(...parts: (string | Buffer)[]): string {
  const blocks = parts.map((part) => {
    const body = Buffer.from(part as string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return Buffer.concat([length, body]);
  });
  return Buffer.concat(blocks).toString('base64');
}

/** A positive multiple-precision integer. */
function mpint(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  return (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
}

function rsaBody(bits: number, type = 'ssh-rsa'): string {
  const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({
    format: 'jwk',
  });
  return wire(type, mpint(e), mpint(n));
}

const curves = { nistp256: 'P-256', nistp384: 'P-384', nistp521: 'P-521' } as const;

function ecdsaBody(name: keyof typeof curves): string {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: curves[name] }).publicKey.export({
    format: 'jwk',
  });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return wire(`ecdsa-sha2-${name}`, name, point);
}

const ed25519 = wire('ssh-ed25519', Buffer.alloc(32, 7));
const rsa2048 = rsaBody(2048);

const accepted: Record<string, string> = {
  ed25519: `ssh-ed25519 ${ed25519}`,
  'ecdsa 256': `ecdsa-sha2-nistp256 ${ecdsaBody('nistp256')}`,
  'ecdsa 384': `ecdsa-sha2-nistp384 ${ecdsaBody('nistp384')}`,
  'ecdsa 521': `ecdsa-sha2-nistp521 ${ecdsaBody('nistp521')}`,
  'rsa 2048': `ssh-rsa ${rsa2048}`,
  'rsa 4096': `ssh-rsa ${rsaBody(4096)}`,
  'ed25519 on a token': `sk-ssh-ed25519@openssh.com ${wire('sk-ssh-ed25519@openssh.com', Buffer.alloc(32, 7), 'ssh:')}`,
};

function dsaBody(): string {
  const part = Buffer.alloc(128, 1);
  return wire('ssh-dss', part, part, part, part);
}

const offCurve = wire(
  'ecdsa-sha2-nistp256',
  'nistp256',
  Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 9)]),
);
const half = ed25519.slice(0, Math.floor(ed25519.length / 2));

const refused: Record<string, string> = {
  nothing: '',
  'a type alone': 'ssh-ed25519',
  'options before the key': `command="rm -rf /" ssh-ed25519 ${ed25519}`,
  'an option without a value': `no-pty ssh-ed25519 ${ed25519}`,
  'a second line': `ssh-ed25519 ${ed25519}\nssh-ed25519 ${ed25519}`,
  'a carriage return': `ssh-ed25519 ${ed25519}\rcommand="x"`,
  'a second line in the comment': `ssh-ed25519 ${ed25519} a\nssh-ed25519 ${ed25519} b`,
  DSA: `ssh-dss ${dsaBody()}`,
  'RSA with 1024 bits': `ssh-rsa ${rsaBody(1024)}`,
  'RSA with 2040 bits': `ssh-rsa ${rsaBody(2040)}`,
  'base64 of nothing known': `ssh-ed25519 ${Buffer.from('garbage').toString('base64')}`,
  'what is no base64': 'ssh-rsa nonsense!',
  'half a key': `ssh-ed25519 ${half}`,
  'an ed25519 key that is too short': `ssh-ed25519 ${wire('ssh-ed25519', Buffer.alloc(31, 7))}`,
  'an ed25519 key that is too long': `ssh-ed25519 ${wire('ssh-ed25519', Buffer.alloc(33, 7))}`,
  'a point that is not on its curve': `ecdsa-sha2-nistp256 ${offCurve}`,
  'a point of no bytes': `ecdsa-sha2-nistp521 ${wire('ecdsa-sha2-nistp521', 'nistp521', Buffer.alloc(0))}`,
  'another curve than the type says': `ecdsa-sha2-nistp384 ${wire('ecdsa-sha2-nistp384', 'nistp256', Buffer.alloc(65, 4))}`,
  'trailing bytes': `ssh-ed25519 ${Buffer.concat([Buffer.from(ed25519, 'base64'), Buffer.from('more')]).toString('base64')}`,
  'a type that its body does not have': `ssh-rsa ${ed25519}`,
  'an ed25519 type over an RSA body': `ssh-ed25519 ${rsa2048}`,
  'a certificate': `ssh-ed25519-cert-v01@openssh.com ${wire('ssh-ed25519-cert-v01@openssh.com', Buffer.alloc(32), Buffer.alloc(32))}`,
  'a certificate under a plain type': `ssh-ed25519 ${wire('ssh-ed25519-cert-v01@openssh.com', Buffer.alloc(32), Buffer.alloc(32))}`,
  'a hardware key that is too short': `sk-ssh-ed25519@openssh.com ${wire('sk-ssh-ed25519@openssh.com', Buffer.alloc(31, 7), 'ssh:')}`,
  'a hardware ecdsa key off its curve': `sk-ecdsa-sha2-nistp256@openssh.com ${wire('sk-ecdsa-sha2-nistp256@openssh.com', 'nistp256', Buffer.alloc(65, 4), 'ssh:')}`,
  'an RSA signature type': `rsa-sha2-256 ${rsaBody(2048, 'rsa-sha2-256')}`,
  'a private key': makeKeyPair('x').privateKey,
  'a private key in PEM': generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey,
  'a public key in PEM': generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).publicKey,
};

describe('parsePublicKey', () => {
  it.each(Object.entries(accepted))('parsePublicKey accepts %s, with and without a comment', (_, key) => {
    expect(parsePublicKey(key)).toBe(key);
    expect(parsePublicKey(`${key} kim@laptop.example.org`)).toBe(`${key} kim@laptop.example.org`);
  });

  it('parsePublicKey accepts a key as it comes out of a .pub file', () => {
    expect(parsePublicKey(`  ssh-ed25519 ${ed25519} kim@laptop\r\n`)).toBe(
      `ssh-ed25519 ${ed25519} kim@laptop`,
    );
  });

  it.each([
    ['a tab between the fields', `ssh-ed25519\t${ed25519}`, ''],
    ['a comment in two words', `ssh-ed25519 ${ed25519} my laptop`, ' my-laptop'],
    ['a comment with a template', `ssh-ed25519 ${ed25519} \${file("/etc/passwd")}`, ' file-etc-passwd'],
    ['a comment with a quote', `ssh-ed25519 ${ed25519} "x"`, ' x'],
    ['a comment of 129 characters', `ssh-ed25519 ${ed25519} ${'x'.repeat(129)}`, ` ${'x'.repeat(128)}`],
    ['a comment that is cut at a dash', `ssh-ed25519 ${ed25519} ${'x'.repeat(127)} y`, ` ${'x'.repeat(127)}`],
  ])('parsePublicKey keeps what is safe of %s', (_, text, comment) => {
    expect(parsePublicKey(text)).toBe(`ssh-ed25519 ${ed25519}${comment}`);
  });

  it.each(Object.entries(refused))('parsePublicKey refuses %s', async (_, text) => {
    const thrown = await thrownBy(() => parsePublicKey(text));
    expect(thrown).toMatchObject({
      code: 'validation_failed',
      details: { fields: [{ field: 'ssh_public_key' }] },
    });
  });

  it('parsePublicKey does not repeat its input, which may be a private key', async () => {
    const { message } = (await thrownBy(() => parsePublicKey(refused['a private key']!))) as Error;
    expect(message).not.toContain('PRIVATE KEY');
    expect(message).not.toContain(refused['a private key']!.split('\n')[1]);
  });

  it('parsePublicKey says how many bits an RSA key needs', async () => {
    expect(
      ((await thrownBy(() => parsePublicKey(refused['RSA with 1024 bits']!))) as Error).message,
    ).toContain('2048');
  });

  // whatever arrives: taken as it stands, or refused in our words
  const allowed = /^[A-Za-z0-9+/=._@ -]+$/;
  const outcome = (text: string): void => {
    try {
      expect(parsePublicKey(text)).toMatch(allowed);
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      expect(thrown.code).toBe('validation_failed');
    }
  };

  it('parsePublicKey lets only characters through that mean nothing to YAML, a shell or Terraform', () => {
    const types = fc.constantFrom(...Object.values(accepted), 'ssh-ed25519', 'ssh-rsa');
    const noise = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\n', '${x}', '"', "'", '#', '%{', '\u2028', 'x@y'),
    );
    fc.assert(
      fc.property(noise, types, noise, noise, (before, key, between, after) => {
        outcome(`${before}${key}${after}`);
        outcome(`${key} ${after}`);
        outcome(`${key}${between}${after}`);
      }),
      { numRuns: 500 },
    );
  });

  it('parsePublicKey refuses a damaged body in its own words, whichever bytes were changed', () => {
    const change = fc.record({ at: fc.nat(300), to: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(accepted)),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (key, changes) => {
          const [type = '', body = ''] = key.split(' ');
          const bytes = Buffer.from(body, 'base64');
          for (const { at, to } of changes) bytes[at % bytes.length] = to;
          outcome(`${type} ${bytes.toString('base64')}`);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('makeKeyPair', () => {
  it('makeKeyPair makes a public key that parsePublicKey accepts, and a private key that belongs to it', () => {
    const { publicKey, privateKey } = makeKeyPair('vm-webhoster-kim');
    expect(parsePublicKey(publicKey)).toBe(publicKey);
    expect(publicKey).toMatch(/^ssh-ed25519 \S+ vm-webhoster-kim$/);
    const key = utils.parseKey(privateKey);
    if (key instanceof Error || Array.isArray(key)) throw new Error('the private key cannot be read');
    expect(key.isPrivateKey()).toBe(true);
    expect(key.getPublicSSH().toString('base64')).toBe(publicKey.split(' ')[1]);
  });

  it('makeKeyPair makes a different pair each time', () => {
    expect(makeKeyPair('a').publicKey).not.toBe(makeKeyPair('a').publicKey);
  });

  it('OpenSSH reads the keys of makeKeyPair', () => {
    const { publicKey, privateKey } = makeKeyPair('kim');
    const file = path.join(scratchDir(), 'key');
    writeFileSync(file, privateKey, { mode: 0o600 });
    expect(execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).trim()).toBe(publicKey);
    expect(readFileSync(file, 'utf8')).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  });

  it('makeKeyPair always makes valid keys, although the library breaks one in 256', () => {
    const pairs = Array.from({ length: 3000 }, () => makeKeyPair('kim'));
    expect(pairs.filter(({ publicKey }) => utils.parseKey(publicKey) instanceof Error)).toEqual([]);
    expect(pairs.filter(({ privateKey }) => utils.parseKey(privateKey) instanceof Error)).toEqual([]);
  });
});
