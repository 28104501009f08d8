/** Access tokens that somebody made up, over HTTP: every one is refused at every kind of route, with the same words. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';
import request from 'supertest';
import { keyId } from '../../engine/base/key-id';
import { cloneDatabase } from '../support/postgres';
import { type SignedInUser, startService, type TestService } from '../worlds/service';

let service: TestService;
let admin: SignedInUser;
let victim: SignedInUser;
let claims: jwt.JwtPayload;
let kid: string;
beforeAll(async () => {
  service = await startService(await cloneDatabase());
  admin = await service.newUser('admin');
  victim = await service.newUser('admin');
  const good = jwt.decode(admin.token, { complete: true })!;
  claims = good.payload as jwt.JwtPayload;
  kid = good.header.kid!;
});
afterAll(() => service.close());

const now = (): number => Math.floor(Date.now() / 1000);
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const secret = (): string => service.config.JWT_SECRET;

/** A good token but for what is changed. */
function forged(
  change: jwt.JwtPayload = {},
  options: jwt.SignOptions = {},
  key: jwt.Secret = secret(),
): string {
  const kept = Object.fromEntries(
    Object.entries({ ...claims, ...change }).filter(([, value]) => value !== undefined),
  );
  return jwt.sign(kept, key, { algorithm: 'HS256', keyid: kid, ...options });
}
/** With its own signature by the service's secret, however wrong its header is. */
function withHeader(header: object): string {
  return `${part(header)}.${forged().split('.')[1]}.${forged().split('.')[2]}`;
}

const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const attacks: Record<string, () => string | Promise<string>> = {
  'alg none, without a signature': () => `${part({ alg: 'none', typ: 'JWT', kid })}.${part(claims)}.`,
  'alg None, with the signature of another token': () => withHeader({ alg: 'None', typ: 'JWT', kid }),
  'alg left out': () => withHeader({ typ: 'JWT', kid }),
  'RS256 with a key of one’s own': () => forged({}, { algorithm: 'RS256' }, rsa.privateKey),
  'HS256 with an RSA public key as the secret': () =>
    forged({}, { keyid: keyId(rsa.publicKey, 'access token').toString('hex') }, rsa.publicKey),
  'a key in its own header': () => withHeader({ alg: 'HS256', kid, jwk: { kty: 'oct', k: 'AAAA' } }),
  'a key at an address in its own header': () =>
    withHeader({ alg: 'HS256', kid, jku: 'https://evil.example/k' }),
  HS512: () => forged({}, { algorithm: 'HS512' }),
  HS384: () => forged({}, { algorithm: 'HS384' }),
  'no exp': () => forged({ exp: undefined }),
  'an exp in the past': () => forged({ exp: now() - 1 }),
  'an nbf in the future': () => forged({ nbf: now() + 600 }),
  'another audience': () => forged({ aud: 'somebody-else' }),
  'no audience': () => forged({ aud: undefined }),
  'another issuer': () => forged({ iss: 'somebody-else' }),
  'no issuer': () => forged({ iss: undefined }),
  'an unknown kid': () => forged({}, { keyid: '0123456789abcdef' }),
  'no kid': () => jwt.sign({ ...claims }, secret(), { algorithm: 'HS256' }),
  'a kid that is SQL': () => forged({}, { keyid: "x' UNION SELECT 'key" }),
  'another secret under the right kid': () => forged({}, {}, 'another secret of 32 characters!'),
  'the empty secret under the right kid': () =>
    `${part({ alg: 'HS256', typ: 'JWT', kid })}.${part(claims)}.${'A'.repeat(43)}`,
  'a signature that was cut': () => admin.token.slice(0, -6),
  'a signature with one other character': () =>
    admin.token.replace(/.(?=.{9}$)/, (character) => (character === 'A' ? 'B' : 'A')),
  'claims of somebody else under a signature of one’s own': () => {
    const [header, , signature] = admin.token.split('.');
    return `${header}.${part({ ...claims, sub: String(victim.user.id) })}.${signature}`;
  },
  'no session': () => forged({ jti: undefined }),
  'no session version': () => forged({ ver: undefined }),
  'the next session version': () => forged({ ver: Number(claims['ver']) + 1 }),
  'a user that never was': () => forged({ sub: '2147483647' }),
  'a user beyond PostgreSQL’s integer': () => forged({ sub: '2147483648' }),
  'a session version beyond PostgreSQL’s integer': () => forged({ ver: 2 ** 40 }),
  'a role that it gives itself, for a user that never was': () => forged({ sub: '999999', role: 'admin' }),
  'a deleted user': async () => {
    const gone = await service.newUser('admin');
    const caller = await service.engine.accounts.authenticate(gone.token);
    await service.engine.accounts.delete(caller, { password: gone.password });
    return gone.token;
  },
  'a session that was signed out of': async () => {
    const left = await service.newUser('admin');
    await service.engine.accounts.logout(await service.engine.accounts.authenticate(left.token), {
      everywhere: false,
    });
    return left.token;
  },
  'a session from before a change of the password': async () => {
    const changed = await service.newUser('admin');
    const caller = await service.engine.accounts.authenticate(changed.token);
    await service.engine.accounts.changePassword(caller, {
      current: changed.password,
      next: 'a new one it is',
    });
    return changed.token;
  },
  'a token with a space': () => `${admin.token} x`,
  'two tokens': () => `${admin.token}, ${admin.token}`,
  'nothing behind the scheme': () => '',
  'an API token that never was': () => `whk_${'A'.repeat(43)}`,
  'the visible part of an API token': async () => {
    const { made } = await service.engine.tokens.create(admin.user, {
      name: 'x',
      scopes: ['admin'],
      days: 1,
    });
    return made.prefix;
  },
  'an identifier of an API token': async () => {
    const { made } = await service.engine.tokens.create(admin.user, {
      name: 'x',
      scopes: ['admin'],
      days: 1,
    });
    return made.id;
  },
};

const doors = [
  ['get', '/api/v1/auth/me'],
  ['post', '/api/v1/host'],
  ['delete', '/api/v1/host/my'],
  ['get', '/api/v1/admin/audit'],
  ['get', `/api/v1/operations/${randomUUID()}/events`],
] as const;

it('the token that the attacks start from is accepted', async () => {
  for (const token of [admin.token, forged()])
    await request(service.app).get('/api/v1/admin/audit').set('Authorization', `Bearer ${token}`).expect(200);
});

it.each(Object.entries(attacks))('an access token is refused with 401: %s', async (_, make) => {
  const token = await make();
  const messages = new Set<string>();
  for (const [method, path] of doors) {
    const answer = await request(service.app)[method](path).set('Authorization', `Bearer ${token}`);
    expect([path, answer.status]).toEqual([path, 401]);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    messages.add(`${answer.body.error.code}: ${answer.body.message}`);
  }
  expect([...messages]).toEqual([
    'unauthorized: Sign in first; send the token as "Authorization: Bearer <token>"',
  ]);
});

it('a token is read from the Authorization header and from nowhere else', async () => {
  const { app } = service;
  const { token } = admin;
  await request(app).get(`/api/v1/auth/me?access_token=${token}`).expect(401);
  await request(app)
    .get('/api/v1/auth/me')
    .set('Cookie', `access_token=${token}; token=${token}`)
    .expect(401);
  await request(app).get('/api/v1/auth/me').set('X-Access-Token', token).expect(401);
  await request(app).get('/api/v1/auth/me').auth('admin', token).expect(401);
  await request(app).get('/api/v1/auth/me').set('Authorization', token).expect(401);
});

it('no token is logged, whether valid or not', async () => {
  await request(service.app).get('/api/v1/auth/me').set('Authorization', `Bearer ${admin.token}`).expect(200);
  const logged = service.lines.join('\n');
  expect(logged).toContain('/api/v1/auth/me');
  for (const piece of admin.token.split('.').slice(1)) expect(logged).not.toContain(piece);
});
