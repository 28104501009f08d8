import { generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { issueToken, type TokenSettings, verifyToken } from '../../../../engine/accounts/tokens';
import { keyId } from '../../../../engine/base/key-id';
import { thrownBy } from '../support';

const secret = 'j'.repeat(32);
const settings: TokenSettings = { secrets: [secret], ttlSeconds: 3600 };
const kidOf = (key: string): string => keyId(key, 'access token').toString('hex');
const ada = { userId: 7, sessionVersion: 3 };
const right = {
  algorithm: 'HS256',
  issuer: 'vm-webhoster',
  audience: 'vm-webhoster-api',
  subject: '7',
  jwtid: '7f0c1f4e-3f3c-4a55-9d2e-0a4b8c9d1e2f',
  keyid: kidOf(secret),
  expiresIn: 60,
} as const;

function signed(change: jwt.SignOptions, claims: object = {}, key = secret): string {
  return jwt.sign({ ver: 3, ...claims }, key, { ...right, ...change });
}

function without(name: keyof typeof right): string {
  const options: jwt.SignOptions = { ...right };
  Reflect.deleteProperty(options, name);
  return jwt.sign({ ver: 3 }, secret, options);
}

function unsigned(): string {
  const claims = {
    iss: right.issuer,
    aud: right.audience,
    sub: '7',
    jti: right.jwtid,
    ver: 3,
    exp: inAMinute(),
  };
  return jwt.sign(claims, '', { algorithm: 'none', keyid: right.keyid });
}

/** Seconds since 1970. */
function inAMinute(): number {
  return Math.floor(Date.now() / 1000) + 60;
}

/** Claims as they are, which jwt.sign would refuse. */
function rawClaims(claims: Record<string, unknown>, options: jwt.SignOptions = {}): string {
  const base = { iss: right.issuer, aud: right.audience, jti: right.jwtid, ver: 3, exp: inAMinute() };
  return jwt.sign({ ...base, ...claims }, secret, { algorithm: 'HS256', keyid: right.keyid, ...options });
}

const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const refused: Record<string, () => string> = {
  'no signature (alg none)': unsigned,
  RS256: () => jwt.sign({ ver: 3 }, rsa.privateKey, { ...right, algorithm: 'RS256' }),
  'HS256 under the text of an RSA public key': () => {
    const [header, claims] = signed({}).split('.');
    return `${header}.${claims}.${jwt.sign({}, Buffer.from(rsa.publicKey), right).split('.')[2]}`;
  },
  'HS256 with an RSA public key, named by its own kid': () =>
    signed({ keyid: kidOf(rsa.publicKey) }, {}, rsa.publicKey),
  'a kid that is not known': () => signed({ keyid: kidOf('k'.repeat(32)) }),
  'no kid': () => without('keyid'),
  'a kid that is a path': () => signed({ keyid: '../../dev/null' }, {}, ''.padEnd(32, 'k')),
  'no session': () => without('jwtid'),
  'a session that is no UUID': () => signed({ jwtid: "' OR 1=1" }),
  'no session version': () => signed({}, { ver: undefined }),
  'a session version that is no number': () => signed({}, { ver: '3' }),
  'a signature that was cut': () => signed({}).slice(0, -4),
  'no signature at all': () => `${signed({}).split('.').slice(0, 2).join('.')}.`,
  HS512: () => signed({ algorithm: 'HS512' }),
  HS384: () => signed({ algorithm: 'HS384' }),
  'another secret': () => signed({}, {}, 'k'.repeat(32)),
  'another issuer': () => signed({ issuer: 'someone-else' }),
  'no issuer': () => without('issuer'),
  'another audience': () => signed({ audience: 'other-api' }),
  'no audience': () => without('audience'),
  'an end in the past': () => signed({ expiresIn: -1 }),
  'no end': () => without('expiresIn'),
  'an end that is no number': () => {
    const [header, , signature] = signed({}).split('.');
    return `${header}.${Buffer.from('{"sub":"7","exp":"never"}').toString('base64url')}.${signature}`;
  },
  'no time of issue': () => rawClaims({ sub: '7' }, { noTimestamp: true }),
  'a beginning in the future': () => signed({ notBefore: 600 }),
  'no subject': () => without('subject'),
  'a subject that is no number': () => signed({ subject: 'admin' }),
  'an empty subject': () => rawClaims({ sub: '' }),
  'a blank subject': () => rawClaims({ sub: ' ' }),
  'a subject with a fraction': () => signed({ subject: '1.5' }),
  'a subject in another notation': () => signed({ subject: '0x7' }),
  'a negative subject': () => signed({ subject: '-7' }),
  'a subject beyond safe integers': () => signed({ subject: '9007199254740993' }),
  'a changed payload': () => {
    const [header, , signature] = signed({}).split('.');
    return `${header}.${Buffer.from(JSON.stringify({ sub: '1' })).toString('base64url')}.${signature}`;
  },
  garbage: () => 'not.a.token',
  nothing: () => '',
};

describe('access tokens', () => {
  it('an access token identifies the user it was issued to', () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const { userId, sessionVersion, issuedAt } = verifyToken(issueToken(ada, settings), settings);
    expect(userId).toBe(7);
    expect(sessionVersion).toBe(3);
    expect(issuedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(issuedAt.getTime()).toBeLessThanOrEqual(Date.now());
    // the tokens of the cases below fail for what they say, not for their form
    expect(verifyToken(signed({}), settings).userId).toBe(7);
  });

  it('an access token states HS256, issuer, audience and an expiry', () => {
    const { header, payload } = jwt.decode(issueToken(ada, settings), { complete: true })!;
    expect(header.alg).toBe('HS256');
    expect(header.kid).toBe(right.keyid);
    expect(JSON.stringify(header)).not.toContain(secret);
    expect(payload).toMatchObject({ iss: right.issuer, aud: right.audience, sub: '7' });
    const { iat = 0, exp = 0 } = payload as jwt.JwtPayload;
    expect(exp - iat).toBe(3600);
  });

  it.each(Object.entries(refused))('an access token is refused with %s', async (_, make) => {
    const thrown = await thrownBy(() => verifyToken(make(), settings));
    expect(thrown).toMatchObject({ name: 'EngineError', code: 'unauthorized', retryable: false });
    expect((thrown as Error).message).toBe('The access token is not valid; sign in again');
  });

  it('access tokens of an old key are valid until it is removed, and the first key signs', async () => {
    const old: TokenSettings = { ...settings, secrets: ['o'.repeat(32)] };
    const both: TokenSettings = { ...settings, secrets: [secret, 'o'.repeat(32)] };
    const before = issueToken(ada, old);
    expect(verifyToken(before, both).userId).toBe(7);
    expect(verifyToken(issueToken(ada, both), settings).userId).toBe(7);
    expect(await thrownBy(() => verifyToken(before, settings))).toMatchObject({ code: 'unauthorized' });
  });

  it('two access tokens never share a session', () => {
    const sessions = [issueToken(ada, settings), issueToken(ada, settings)].map(
      (token) => verifyToken(token, settings).sessionId,
    );
    expect(sessions[0]).not.toBe(sessions[1]);
  });
});
