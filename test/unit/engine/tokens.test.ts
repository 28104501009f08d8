import { generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { issueToken, verifyToken } from '../../../engine/accounts/tokens';
import { thrownBy } from './support';

const secret = 'j'.repeat(32);
const settings = { secret, ttlSeconds: 3600 };
const right = {
  algorithm: 'HS256',
  issuer: 'vm-webhoster',
  audience: 'vm-webhoster-api',
  subject: '7',
  expiresIn: 60,
} as const;

function signed(change: jwt.SignOptions, claims: object = {}, key = secret): string {
  return jwt.sign(claims, key, { ...right, ...change });
}

function without(name: keyof typeof right): string {
  const options: jwt.SignOptions = { ...right };
  Reflect.deleteProperty(options, name);
  return jwt.sign({}, secret, options);
}

function unsigned(): string {
  return jwt.sign({ iss: right.issuer, aud: right.audience, sub: '7', exp: inAMinute() }, '', {
    algorithm: 'none',
  });
}

/** Seconds since 1970. */
function inAMinute(): number {
  return Math.floor(Date.now() / 1000) + 60;
}

/** Claims as they are, which jwt.sign would refuse. */
function rawClaims(claims: Record<string, unknown>, options: jwt.SignOptions = {}): string {
  const base = { iss: right.issuer, aud: right.audience, exp: inAMinute() };
  return jwt.sign({ ...base, ...claims }, secret, { algorithm: 'HS256', ...options });
}

const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const refused: Record<string, () => string> = {
  'no signature (alg none)': unsigned,
  RS256: () => jwt.sign({}, rsa.privateKey, { ...right, algorithm: 'RS256' }),
  'HS256 under the text of an RSA public key': () => {
    const [header, claims] = signed({}).split('.');
    return `${header}.${claims}.${jwt.sign({}, Buffer.from(rsa.publicKey), right).split('.')[2]}`;
  },
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
  it('give back the user they were issued to', () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const { userId, issuedAt } = verifyToken(issueToken(7, settings), settings);
    expect(userId).toBe(7);
    expect(issuedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(issuedAt.getTime()).toBeLessThanOrEqual(Date.now());
    // the tokens of the cases below fail for what they say, not for their form
    expect(verifyToken(signed({}), settings).userId).toBe(7);
  });

  it('say HS256, issuer, audience and an end', () => {
    const { header, payload } = jwt.decode(issueToken(7, settings), { complete: true })!;
    expect(header.alg).toBe('HS256');
    expect(payload).toMatchObject({ iss: right.issuer, aud: right.audience, sub: '7' });
    const { iat = 0, exp = 0 } = payload as jwt.JwtPayload;
    expect(exp - iat).toBe(3600);
  });

  it.each(Object.entries(refused))('are refused with %s', async (_, make) => {
    const thrown = await thrownBy(() => verifyToken(make(), settings));
    expect(thrown).toMatchObject({ name: 'EngineError', code: 'unauthorized', retryable: false });
    expect((thrown as Error).message).toBe('The access token is not valid; log in again');
  });
});
