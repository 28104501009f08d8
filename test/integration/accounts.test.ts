/** Accounts over HTTP on a real database: signing in and out, passwords, tokens, what ends a session and what does not. */
import { createHash, randomUUID } from 'node:crypto';
import { getRounds } from 'bcrypt';
import request from 'supertest';
import { accounts } from '../../engine/accounts';
import { setRole } from '../../engine/store/users';
import { cloneDatabase } from '../support/postgres';
import { type SignedInUser, startService, type TestService } from '../worlds/service';
import { endRateLimits, expireApiToken, keepEmailAsTyped, markUserDeleted } from '../support/rows';

jest.setTimeout(60_000);

let service: TestService;
beforeAll(async () => {
  service = await startService(await cloneDatabase(), { TRUSTED_PROXIES: '127.0.0.1 ::1' });
});
afterAll(() => service.close());

const http = () => request(service.app);
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const me = (token: string) => http().get('/api/v1/auth/me').set(bearer(token));
const sql = <T>(text: string, values: unknown[] = []): Promise<T[]> =>
  service.database.direct.query(text, values);

function signIn({ email }: { email: string }, password: string, from = '198.51.100.1') {
  return http()
    .post('/api/v1/auth/login')
    .set('X-Forwarded-For', from)
    .type('form')
    .send({ username: email, password });
}

describe('sessions', () => {
  it('a session ends when its user signs out, and no other session does', async () => {
    const user = await service.newUser();
    const other = (await signIn(user, user.password)).body.access_token;
    await me(user.token).expect(200);
    await http().post('/api/v1/auth/logout').set(bearer(user.token)).expect(204);
    await me(user.token).expect(401);
    await http().post('/api/v1/auth/logout').set(bearer(user.token)).expect(401);
    await me(other).expect(200);
  });

  it('all sessions end when their user signs out everywhere; API tokens stay', async () => {
    const user = await service.newUser();
    const other = (await signIn(user, user.password)).body.access_token;
    const { token } = await service.engine.tokens.create(user.user, {
      name: 'script',
      scopes: ['hosting:read'],
      days: 1,
    });
    await http().post('/api/v1/auth/logout').set(bearer(other)).send({ everywhere: true }).expect(204);
    await me(user.token).expect(401);
    await me(other).expect(401);
    await me(token).expect(200);
    const again = (await signIn(user, user.password)).body.access_token;
    await me(again).expect(200);
  });

  it('sessions and API tokens end at once with their account', async () => {
    const user = await service.newUser();
    const { token } = await service.engine.tokens.create(user.user, {
      name: 'script',
      scopes: ['hosting:read'],
      days: 1,
    });
    const remove = (password: string) =>
      http().delete('/api/v1/auth/me').set(bearer(user.token)).send({ password });
    expect((await remove('not my password')).body.error.code).toBe('wrong_password');
    await me(user.token).expect(200);
    await remove(user.password).expect(204);
    await me(user.token).expect(401);
    await me(token).expect(401);
    expect((await signIn(user, user.password)).status).toBe(401);
    const [row] = await sql<Record<string, string>>('SELECT * FROM users WHERE id = $1', [user.user.id]);
    expect(JSON.stringify(row)).not.toContain(user.user.username);
    // the address is free again, the number is not, and the name is later
    const again = await service.engine.accounts.register({
      ...user.user,
      username: `again-${user.user.username}`,
      password: user.password,
    });
    expect(again.id).toBeGreaterThan(user.user.id);
  });

  it('no session, token or password opens an account that is marked as deleted, whatever else its row says', async () => {
    const user = await service.newUser();
    const { token } = await service.engine.tokens.create(user.user, {
      name: 'script',
      scopes: ['hosting:read'],
      days: 1,
    });
    await markUserDeleted(service.database.direct, user.user.id);
    await me(user.token).expect(401);
    await me(token).expect(401);
    expect((await signIn(user, user.password)).status).toBe(401);
  });

  it('an account that has a hosting cannot be deleted; without one it can', async () => {
    const user = await service.newUser();
    const { operation } = await service.engine.hostings.create(user.user, {});
    await service.engine.operations.wait(operation.id, { timeoutMs: 30_000 });
    const remove = () =>
      http().delete('/api/v1/auth/me').set(bearer(user.token)).send({ password: user.password });
    expect((await remove()).body.error.code).toBe('hosting_exists');
    const removal = await service.engine.hostings.delete(user.user);
    await service.engine.operations.wait(removal.id, { timeoutMs: 30_000 });
    await remove().expect(204);
    // whoever had just been let in comes too late
    await expect(service.engine.hostings.create(user.user, {})).rejects.toMatchObject({
      code: 'unauthorized',
    });
  });

  it('an access token is refused once its JWT secret is no longer configured', async () => {
    const user = await service.newUser();
    const next = { ...service.config, JWT_SECRET: 'n'.repeat(32) };
    const rotating = accounts(service.database, { ...next, JWT_OLD_SECRETS: [service.config.JWT_SECRET] });
    expect((await rotating.authenticate(user.token)).user.id).toBe(user.user.id);
    const rotated = accounts(service.database, next);
    await expect(rotated.authenticate(user.token)).rejects.toMatchObject({ code: 'unauthorized' });
    const { accessToken } = await rotated.login(user);
    await me(accessToken).expect(401);
  });
});

describe('the password', () => {
  const change = (user: SignedInUser, current: string, next = 'another fine passphrase') =>
    http()
      .post('/api/v1/auth/password')
      .set(bearer(user.token))
      .send({ current_password: current, new_password: next });

  it('a user who knows the current password changes it, and every other session ends', async () => {
    const user = await service.newUser();
    const other = (await signIn(user, user.password)).body.access_token;
    const { body } = await change(user, user.password).expect(200);
    await me(body.data.session.access_token).expect(200);
    await me(user.token).expect(401);
    await me(other).expect(401);
    expect((await signIn(user, user.password)).status).toBe(401);
    await signIn(user, 'another fine passphrase').expect(200);
  });

  it('a password stays as it is when the current one is wrong or the new one is weak', async () => {
    const user = await service.newUser();
    expect((await change(user, 'wrong')).body.error.code).toBe('wrong_password');
    for (const weak of ['short', 'password123', user.email, user.user.username.toUpperCase()])
      expect((await change(user, user.password, weak)).body.error.details.fields[0].field).toBe(
        'new_password',
      );
    await me(user.token).expect(200);
    await signIn(user, user.password).expect(200);
  });

  it('a password cannot be guessed from an open session either', async () => {
    const user = await service.newUser();
    for (let count = 0; count < 10; count++) expect((await change(user, 'wrong')).status).toBe(403);
    const { status, headers } = await change(user, user.password);
    expect([status, Number(headers['retry-after']) > 0]).toEqual([429, true]);
  });

  it('a password is hashed again at the next login when the configured cost has risen', async () => {
    const user = await service.newUser();
    const roundsOf = async () =>
      getRounds(
        (
          await sql<{ password_hash: string }>('SELECT password_hash FROM users WHERE id = $1', [
            user.user.id,
          ])
        )[0]!.password_hash,
      );
    expect(await roundsOf()).toBe(4);
    const dearer = accounts(service.database, { ...service.config, BCRYPT_COST: 6 });
    await expect(dearer.login({ ...user, password: 'wrong' })).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    expect(await roundsOf()).toBe(4);
    await dearer.login(user);
    expect(await roundsOf()).toBe(6);
    // never cheaper again, and the password is still the password
    await service.engine.accounts.login(user);
    expect(await roundsOf()).toBe(6);
  });
});

describe('guessing a password', () => {
  it('sign-ins are refused for a while after 10 failures from one address, and for that address alone', async () => {
    const user = await service.newUser();
    for (let count = 0; count < 10; count++) expect((await signIn(user, 'wrong')).status).toBe(401);
    const refused = await signIn(user, user.password);
    expect(refused.status).toBe(429);
    expect(refused.body.error.code).toBe('too_many_attempts');
    const wait = Number(refused.headers['retry-after']);
    expect(wait).toBeGreaterThan(14 * 60);
    expect(wait).toBeLessThanOrEqual(15 * 60);
    // another address, and another account from the same address
    await signIn(user, user.password, '198.51.100.2').expect(200);
    const neighbour = await service.newUser();
    await signIn(neighbour, neighbour.password).expect(200);
    // the account's name in other letters is the same account
    expect((await signIn({ email: user.email.toUpperCase() }, user.password)).status).toBe(429);
    // and it passes by itself
    await endRateLimits(service.database.direct);
    await signIn(user, user.password).expect(200);
  });

  it.each([
    ['capitals', (email: string) => email.toUpperCase()],
    ['space around it', (email: string) => ` ${email}\t`],
    ['full-width letters in its domain', (email: string) => email.replace('example', 'ｅｘａｍｐｌｅ')],
    ['a dot at its end', (email: string) => `${email}.`],
    ['the Kelvin sign in its domain', (email: string) => email.replace('kim.org', '\u212aim.org')],
  ])(
    'failures count for the account that is found when its e-mail address is typed with %s',
    async (_what, typedAs) => {
      const name = `seciii-${randomUUID().slice(0, 8)}`;
      const email = `${name}@example.kim.org`;
      const password = 'a long passphrase';
      await service.engine.accounts.register({ email, username: name, password });
      for (let count = 0; count < 10; count++)
        expect((await signIn({ email: typedAs(email) }, 'wrong')).status).toBe(401);
      expect((await signIn({ email }, password)).status).toBe(429);
      expect((await signIn({ email: typedAs(email) }, password)).status).toBe(429);
    },
  );

  it.each(['İii', 'iİi', 'iiİ', 'ıii', 'İİİ', 'ＩＩＩ', 'i\u0307ii'])(
    'letters that fold in several ways lead to no account and register none: %s',
    async (letters) => {
      const tail = randomUUID().slice(0, 8);
      const password = 'a long passphrase';
      await service.engine.accounts.register({
        email: `seciii-${tail}@example.org`,
        username: `s-${tail}`,
        password,
      });
      const from = `198.51.100.${letters.length + 10}`;
      const answer = await signIn({ email: `sec${letters}-${tail}@example.org` }, password, from);
      expect([answer.status, answer.body.error?.code]).toEqual([401, 'invalid_credentials']);
      const other = { email: `SEC${letters}-${tail}@example.org`, username: `t-${tail}`, password };
      const refused = await http().post('/api/v1/auth/register').send(other).expect(400);
      expect(refused.body.error.details.fields[0].message).toContain('such as mina@example.com');
    },
  );

  it('failures also count for an account whose e-mail address has no normal form', async () => {
    const user = await service.newUser();
    const typed = `İ${user.email}`;
    await keepEmailAsTyped(service.database.direct, user.user.id, typed);
    await signIn({ email: ` ${typed}` }, user.password).expect(200);
    // other letters that look or fold alike find it no more
    await signIn({ email: user.email }, user.password).expect(401);
    await signIn({ email: `i\u0307${user.email}` }, user.password).expect(401);
    for (let count = 0; count < 10; count++) await signIn({ email: typed }, 'wrong').expect(401);
    await signIn({ email: `${typed} ` }, user.password).expect(429);
  });

  it('failures are counted from zero again after a success', async () => {
    const user = await service.newUser();
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 9; count++) expect((await signIn(user, 'wrong')).status).toBe(401);
      await signIn(user, user.password).expect(200);
    }
  });

  it('parallel sign-ins and many addresses of one IPv6 network allow no more guesses', async () => {
    const user = await service.newUser();
    const statuses = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        signIn(user, 'wrong', `2001:db8:0:7::${index + 1}`).then(({ status }) => status),
      ),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(30);
    await signIn(user, user.password, '2001:db8:0:8::1').expect(200);
  });

  it('the table of sign-in attempts holds neither names nor passwords', async () => {
    const user = await service.newUser();
    await signIn(user, 'wrong-but-close').expect(401);
    const rows = JSON.stringify(await sql('SELECT * FROM rate_limits'));
    expect(rows).not.toContain(user.user.username);
    expect(rows).not.toContain('wrong-but-close');
  });

  it('a failed sign-in takes as long for an existing account as for a missing one', async () => {
    // dear enough that hashing is most of the time
    const dear = accounts(
      service.database,
      { ...service.config, BCRYPT_COST: 9 },
      {
        take: () => Promise.resolve({ allowed: true, left: 1, seconds: 1 }),
        forget: () => Promise.resolve(),
      },
    );
    const email = `${randomUUID()}@example.org`;
    await dear.register({ email, username: `t-${randomUUID().slice(0, 8)}`, password: 'a long passphrase' });
    const timed = async (who: string): Promise<number> => {
      const started = performance.now();
      await dear.login({ email: who, password: 'wrong' }).catch(() => undefined);
      return performance.now() - started;
    };
    await timed(email);
    await timed('nobody@example.org');
    const [known, unknown]: [number[], number[]] = [[], []];
    // by turns, so that a busy machine slows both down
    for (let round = 0; round < 25; round++) {
      known.push(await timed(email));
      unknown.push(await timed(`nobody-${round}@example.org`));
    }
    const ratio = median(known) / median(unknown);
    expect(ratio).toBeGreaterThan(0.7);
    expect(ratio).toBeLessThan(1.4);
  });
});

describe('API tokens', () => {
  const make = (user: SignedInUser, body: object) =>
    http().post('/api/v1/auth/tokens').set(bearer(user.token)).send(body);
  const list = (user: SignedInUser) => http().get('/api/v1/auth/tokens').set(bearer(user.token));

  it('an API token is shown once, stored as a hash, and listed with its prefix and last use', async () => {
    const user = await service.newUser();
    const { body, text } = await make(user, { name: '백업 script', scopes: ['hosting:read'] }).expect(201);
    const { token, api_token: made } = body.data;
    expect(token).toMatch(/^whk_[A-Za-z0-9_-]{43}$/);
    expect(text.split(token)).toHaveLength(2);
    expect(made).toMatchObject({ name: '백업 script', prefix: token.slice(0, 12), last_used_at: null });
    const days = (Date.parse(made.expires_at) - Date.parse(made.created_at)) / 86_400_000;
    expect(days).toBeCloseTo(90, 1);
    const [row] = await sql<{ hash: Buffer }>('SELECT * FROM api_tokens WHERE id = $1', [made.id]);
    expect(row!.hash).toEqual(createHash('sha256').update(token).digest());
    expect(JSON.stringify(row)).not.toContain(token.slice(12));
    await me(token).expect(200);
    const listed = (await list(user)).body.data.api_tokens;
    expect(listed).toHaveLength(1);
    expect(Date.parse(listed[0].last_used_at)).toBeGreaterThan(Date.now() - 60_000);
    expect(JSON.stringify(listed)).not.toContain(token);
  });

  it('an API token is refused when it is revoked, expired, truncated or altered', async () => {
    const user = await service.newUser();
    const { token, api_token: made } = (await make(user, { name: 'a', scopes: ['hosting:read'] })).body.data;
    for (const wrong of [
      token.slice(0, -1),
      `${token}x`,
      token.replace(/.$/, (c: string) => (c === 'A' ? 'B' : 'A')),
    ])
      await me(wrong).expect(401);
    const other = await service.newUser();
    const revoke = (by: SignedInUser) =>
      http().delete(`/api/v1/auth/tokens/${made.id}`).set(bearer(by.token));
    expect((await revoke(other)).body.error.code).toBe('token_not_found');
    await me(token).expect(200);
    await revoke(user).expect(204);
    await me(token).expect(401);
    await revoke(user).expect(404);
    const second = (await make(user, { name: 'b', scopes: ['hosting:read'] })).body.data;
    await me(second.token).expect(200);
    await expireApiToken(service.database.direct, second.api_token.id);
    await me(second.token).expect(401);
    expect((await list(user)).body.data.api_tokens).toEqual([]);
  });

  it('an API token can do what its scopes name and no more', async () => {
    const user = await service.newUser();
    const scoped = async (...scopes: string[]) =>
      (await make(user, { name: scopes.join(), scopes })).body.data.token as string;
    const [read, write] = [await scoped('hosting:read'), await scoped('hosting:write')];
    const code = async (sent: request.Test) => (await sent).body.error?.code;
    const get = (token: string) => http().get('/api/v1/host/my').set(bearer(token));
    const remove = (token: string) => http().delete('/api/v1/host/my').set(bearer(token));
    expect(await code(get(read))).toBe('hosting_not_found');
    expect(await code(remove(read))).toBe('insufficient_scope');
    expect(await code(get(write))).toBe('insufficient_scope');
    expect(await code(remove(write))).toBe('hosting_not_found');
    // no token makes tokens, changes the password, signs out or deletes the account
    for (const [method, path] of [
      ['post', '/api/v1/auth/tokens'],
      ['get', '/api/v1/auth/tokens'],
      ['delete', `/api/v1/auth/tokens/${randomUUID()}`],
      ['post', '/api/v1/auth/password'],
      ['post', '/api/v1/auth/logout'],
      ['delete', '/api/v1/auth/me'],
    ] as const)
      expect(await code(http()[method](path).set(bearer(read)).send({}))).toBe('session_required');
    expect(await code(make(user, { name: 'x', scopes: ['admin'] }))).toBe('forbidden');
  });

  it('an administrator’s API token reaches other users’ hostings only with the scope admin, and only while they are an administrator', async () => {
    const [admin, user] = [await service.newUser('admin'), await service.newUser()];
    const { operation, hosting } = await service.engine.hostings.create(user.user, {});
    await service.engine.operations.wait(operation.id, { timeoutMs: 30_000 });
    const scoped = async (...scopes: string[]) =>
      (await make(admin, { name: scopes.join(), scopes })).body.data.token as string;
    const [read, all] = [await scoped('hosting:read'), await scoped('hosting:read', 'admin')];
    const runs = (token: string) => http().get(`/api/v1/hostings/${hosting.id}/runs`).set(bearer(token));
    await runs(admin.token).expect(200);
    await runs(read).expect(404);
    await runs(all).expect(200);
    const operations = (token: string) => http().get('/api/v1/admin/operations').set(bearer(token));
    expect((await operations(read)).body.error.code).toBe('insufficient_scope');
    await operations(all).expect(200);
    await setRole(service.database.direct, admin.email, 'user');
    await operations(all).expect(403);
    await operations(admin.token).expect(403);
    await runs(all).expect(404);
  });

  it('an account has at most 50 API tokens, however fast they are requested', async () => {
    const user = await service.newUser();
    const made = Array.from({ length: 60 }, () => make(user, { name: 'x', scopes: ['hosting:read'] }));
    const statuses = (await Promise.all(made)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(50);
    expect(statuses.filter((status) => status === 409)).toHaveLength(10);
  });
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
