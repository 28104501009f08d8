/** The audit log: what leaves a record, what it tells, and that nobody changes one. */
import request from 'supertest';
import { type Administration, machineOperator } from '../../engine/operator';
import { connectParts } from '../../engine/start';
import { createLog } from '../../engine/base/log';
import type { AuditEntry } from '../../engine';
import { cloneDatabase } from '../support/postgres';
import { startService, type TestService } from '../worlds/service';

jest.setTimeout(60_000);

let service: TestService;
beforeAll(async () => {
  service = await startService(await cloneDatabase(), { TRUSTED_PROXIES: '127.0.0.1 ::1' });
});
afterAll(() => service.close());

const bearer = (token: string) => ({ Authorization: `Bearer ${token}`, 'X-Forwarded-For': '203.0.113.9' });
const newest = async (limit = 1): Promise<readonly AuditEntry[]> => service.engine.audit.list({ limit });
const count = async (): Promise<number> =>
  Number(
    ((await service.database.direct.query('SELECT count(*) FROM audit_log')) as { count: string }[])[0]
      ?.count,
  );

it('a record says who changed what, from where, how, and under which request', async () => {
  const user = await service.newUser();
  const { headers, body } = await request(service.app)
    .post('/api/v1/host')
    .set(bearer(user.token))
    .set('Prefer', 'wait=60')
    .expect(201);
  expect((await newest())[0]).toEqual({
    id: expect.stringMatching(/^\d+$/),
    at: expect.any(Date),
    userId: user.user.id,
    actor: user.user.username,
    via: 'session',
    action: 'createHosting',
    target: body.data.hosting.id,
    outcome: 'done',
    code: null,
    address: '203.0.113.9',
    requestId: headers['x-request-id'],
  });
  await request(service.app).post('/api/v1/host').set(bearer(user.token)).expect(409);
  expect((await newest())[0]).toMatchObject({ outcome: 'refused', code: 'quota_exceeded' });
});

it('sign-in attempts are recorded with the account that was tried, and never with a password or token', async () => {
  const user = await service.newUser();
  const signIn = (password: string) =>
    request(service.app).post('/api/v1/auth/login').type('form').send({ username: user.email, password });
  await signIn('wrong-but-close').expect(401);
  expect((await newest())[0]).toMatchObject({
    ...{ userId: null, actor: 'anonymous', via: 'none', action: 'login' },
    ...{ target: `user ${user.user.id}`, outcome: 'refused', code: 'invalid_credentials' },
  });
  const { body } = await signIn(user.password).expect(200);
  expect((await newest())[0]).toMatchObject({ userId: user.user.id, action: 'login', outcome: 'done' });
  const all = JSON.stringify(await newest(200));
  for (const secret of ['wrong-but-close', user.password, body.access_token])
    expect(all).not.toContain(secret);
});

it('what an API token does is recorded under its owner, as done by a token', async () => {
  const user = await service.newUser();
  const { token } = await service.engine.tokens.create(user.user, {
    name: 'x',
    scopes: ['hosting:write'],
    days: 1,
  });
  await request(service.app).delete('/api/v1/host/my').set(bearer(token)).expect(404);
  expect((await newest())[0]).toMatchObject({
    userId: user.user.id,
    via: 'token',
    action: 'deleteMyHosting',
  });
});

it('a record names the domain that is added, proved or removed, also when that is refused', async () => {
  const user = await service.newUser();
  await request(service.app)
    .post('/api/v1/host')
    .set(bearer(user.token))
    .set('Prefer', 'wait=60')
    .expect(201);
  const domain = 'audit.example.org';
  const path = '/api/v1/host/my/domains';
  await request(service.app).post(path).set(bearer(user.token)).send({ domain }).expect(201);
  await request(service.app).post(`${path}/${domain}/verify`).set(bearer(user.token)).expect(409);
  await request(service.app).delete(`${path}/${domain}`).set(bearer(user.token)).expect(204);
  await request(service.app)
    .delete(`${path}/%00${'x'.repeat(400)}`)
    .set(bearer(user.token))
    .expect(400);
  expect((await newest(4)).map(({ action, target, outcome }) => [action, target, outcome])).toEqual([
    ['removeMyDomain', `\ufffd${'x'.repeat(254)}`, 'refused'],
    ['removeMyDomain', domain, 'done'],
    ['verifyMyDomain', domain, 'refused'],
    ['addMyDomain', domain, 'done'],
  ]);
});

it('what was accepted and is not over yet is recorded as begun, not done; a dry run is not recorded', async () => {
  const user = await service.newUser('admin');
  const auth = bearer(user.token);
  const before = await count();
  const dry = { ...auth, Prefer: 'wait=60' };
  await request(service.app).post('/api/v1/host?dry_run=true').set(dry).expect(200);
  await request(service.app)
    .post('/api/v1/admin/plans')
    .set(dry)
    .send({ username: user.user.username })
    .expect(200);
  expect(await count()).toBe(before);
  const { body } = await request(service.app)
    .post('/api/v1/host')
    .set({ ...auth, Prefer: 'respond-async' })
    .expect(202);
  const { id } = body.data.hosting as { id: string };
  expect((await newest())[0]).toMatchObject({ action: 'createHosting', target: id, outcome: 'begun' });
  await service.engine.operations.wait(body.data.operation.id, { timeoutMs: 60_000 });
  await request(service.app).delete(`/api/v1/hostings/${id}?dry_run=true`).set(dry).expect(200);
  expect(await count()).toBe(before + 1);
  await request(service.app).delete(`/api/v1/hostings/${id}`).set(dry).expect(200);
  expect((await newest())[0]).toMatchObject({ action: 'removeHosting', target: id, outcome: 'done' });
});

it('neither reads nor requests without a login leave a record', async () => {
  const user = await service.newUser();
  const before = await count();
  await request(service.app).get('/api/v1/host/my').set(bearer(user.token)).expect(404);
  await request(service.app).post('/api/v1/host').expect(401);
  await request(service.app).post('/api/v1/auth/register').send({}).expect(400);
  expect(await count()).toBe(before);
});

it.each([
  `UPDATE audit_log SET actor = 'somebody else'`,
  `DELETE FROM audit_log`,
  `TRUNCATE audit_log`,
  `INSERT INTO audit_log (id, actor, via, action, outcome) OVERRIDING SYSTEM VALUE
     SELECT id, 'x', via, action, outcome FROM audit_log LIMIT 1 ON CONFLICT (id) DO UPDATE SET actor = 'x'`,
])('the audit log cannot be changed: %s', async (statement) => {
  await service.newUser();
  await request(service.app).post('/api/v1/auth/login').type('form').send({ username: 'a', password: 'b' });
  const before = await count();
  expect(before).toBeGreaterThan(0);
  await expect(service.database.direct.query(statement)).rejects.toThrow('append-only');
  expect(await count()).toBe(before);
});

it('administrators read the audit log page by page, and every entry once', async () => {
  const admin = await service.newUser('admin');
  const seen: string[] = [];
  let query = 'limit=3';
  for (;;) {
    const { body } = await request(service.app)
      .get(`/api/v1/admin/audit?${query}`)
      .set(bearer(admin.token))
      .expect(200);
    seen.push(...body.data.entries.map(({ id }: { id: string }) => id));
    if (body.data.next === null) break;
    query = `limit=3&after=${body.data.next}`;
  }
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toHaveLength(await count());
  const one = await request(service.app)
    .get('/api/v1/admin/audit?action=login&limit=200')
    .set(bearer(admin.token));
  expect(new Set(one.body.data.entries.map(({ action }: { action: string }) => action))).toEqual(
    new Set(['login']),
  );
});

it('a request is answered even if its record cannot be written, and the log says so', async () => {
  const user = await service.newUser();
  const broken = jest.spyOn(service.engine.audit, 'record').mockRejectedValueOnce(new Error('disk full'));
  await request(service.app).post('/api/v1/auth/logout').set(bearer(user.token)).expect(204);
  broken.mockRestore();
  expect(service.lines.join()).toContain('a change could not be recorded');
});

describe('on the machine itself', () => {
  let connected: Awaited<ReturnType<typeof connectParts>>;
  const handover = new AbortController().signal;
  const administration = (): Administration =>
    machineOperator(connected, { who: 'operator mina', handover }).accounts;
  beforeAll(async () => {
    connected = await connectParts(service.config, createLog('silent'), service.host);
  });
  afterAll(async () => {
    await connected.bus.close();
    await connected.parts.database.close();
  });

  it('commands that make, grant and revoke leave records, also when they fail', async () => {
    const machine = administration();
    const admin = { email: 'root@example.org', username: 'root-of-all', password: 'a fine passphrase' };
    const made = await machine.createAdmin(admin);
    expect(made.role).toBe('admin');
    await expect(machine.createAdmin(admin)).rejects.toMatchObject({ code: 'email_taken' });
    await expect(machine.setRole('nobody@example.org', 'admin')).rejects.toMatchObject({ code: 'not_found' });
    const user = await service.newUser();
    const get = () => request(service.app).get('/api/v1/admin/audit').set(bearer(user.token));
    await get().expect(403);
    await machine.setRole(user.email, 'admin');
    await get().expect(200);
    await machine.setRole(user.email, 'user');
    await get().expect(403);
    const { token, made: api } = await machine.createToken(user.email, {
      name: 'x',
      scopes: ['hosting:read'],
      days: 1,
    });
    await request(service.app).get('/api/v1/auth/me').set(bearer(token)).expect(200);
    expect(await machine.listTokens(user.email)).toHaveLength(1);
    await machine.revokeToken(user.email, api.id);
    await request(service.app).get('/api/v1/auth/me').set(bearer(token)).expect(401);
    const records = (await newest(20)).filter(({ via }) => via === 'machine').reverse();
    expect(records.map(({ action, outcome, actor }) => [action, outcome, actor])).toEqual([
      ['admin create', 'done', 'operator mina'],
      ['admin create', 'failed', 'operator mina'],
      ['admin grant', 'done', 'operator mina'],
      ['admin revoke', 'done', 'operator mina'],
      ['token create', 'done', 'operator mina'],
      ['token revoke', 'done', 'operator mina'],
    ]);
  });

  it('signing a user out by command ends their sessions, on request their API tokens, and nothing of others', async () => {
    const machine = administration();
    const [user, other] = [await service.newUser(), await service.newUser()];
    const { token } = await machine.createToken(user.email, { name: 'x', scopes: ['hosting:read'], days: 1 });
    await machine.signOut(user.email, { apiTokens: 'stay' });
    const me = (with_: string) => request(service.app).get('/api/v1/auth/me').set(bearer(with_));
    await me(user.token).expect(401);
    await me(token).expect(200);
    await me(other.token).expect(200);
    expect(await machine.signOut(user.email, { apiTokens: 'stay' })).toMatchObject({ apiTokens: 1 });
    await me(token).expect(200);
    expect(await machine.signOut(user.email, { apiTokens: 'revoke' })).toMatchObject({ apiTokens: 1 });
    await me(token).expect(401);
    await expect(machine.signOut('nobody@example.org', { apiTokens: 'stay' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('creating an administrator with a known address says how to promote that account', async () => {
    const machine = administration();
    const user = await service.newUser();
    const input = { email: user.email.toUpperCase(), username: 'somebody-else', password: 'x'.repeat(20) };
    await expect(machine.createAdmin(input)).rejects.toMatchObject({
      code: 'email_taken',
      message: expect.stringContaining(`webhoster admin grant ${user.email}`),
    });
  });
});
