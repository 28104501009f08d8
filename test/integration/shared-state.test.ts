/**
 * What two API processes share, with a Redis that is there, that is killed in the midst, and that is back: what was
 * revoked at one is refused at the other at once, nobody reads what was, and events reach whoever follows.
 */
import request from 'supertest';
import { setTimeout as delay } from 'node:timers/promises';
import { setRole } from '../../engine/store/users';
import { cloneDatabase } from '../support/postgres';
import { testRedis, type TestRedis } from '../support/redis';
import { type SignedInUser, startService, type TestService } from '../worlds/service';

jest.setTimeout(120_000);

let redis: TestRedis;
let here: TestService;
let there: TestService;
let worker: TestService;
beforeEach(async () => {
  redis = await testRedis();
  await redis.start();
  const url = await cloneDatabase();
  const settings = { REDIS_URL: redis.url, RATE_LIMIT_PER_MINUTE: '100' };
  here = await startService(url, { ...settings, ROLE: 'api' });
  there = await startService(url, { ...settings, ROLE: 'api' });
  worker = await startService(url, { ...settings, ROLE: 'worker' });
  for (const service of [here, there]) await redisIs(service, 'ok');
});
afterEach(async () => {
  for (const service of [here, there, worker]) await service.close();
  await redis.kill();
});

const as = (service: TestService, token: string, method: 'get' | 'post' | 'delete', at: string) =>
  request(service.app)[method](`/api/v1${at}`).set('Authorization', `Bearer ${token}`);

async function redisIs(service: TestService, wanted: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const components = await service.engine.health.detailed();
    if (components.find(({ name }) => name === 'redis')?.status === wanted) return;
    await delay(50);
  }
  throw new Error(`Redis did not become ${wanted}`);
}

/** The same three times: with Redis, while it is gone, and when it is back with nothing in it. */
async function whateverRedisDoes(check: () => Promise<void>): Promise<void> {
  await check();
  await redis.kill();
  await check();
  for (const service of [here, there]) await redisIs(service, 'degraded');
  await redis.start();
  for (const service of [here, there]) await redisIs(service, 'ok');
  await check();
}

const known = (service: TestService, token: string) =>
  as(service, token, 'get', '/auth/me').then(({ status }) => status);

it('a token revoked at one process is refused at the other from the next request on', async () => {
  await whateverRedisDoes(async () => {
    const user = await here.newUser();
    const used = async (token = user.token): Promise<number[]> => [
      await known(here, token),
      await known(there, token),
    ];
    expect(await used()).toEqual([200, 200]);
    await as(here, user.token, 'post', '/auth/logout').send({}).expect(204);
    expect(await used()).toEqual([401, 401]);

    const { accessToken: next } = await there.engine.accounts.login(user);
    const { accessToken: other } = await here.engine.accounts.login(user);
    expect([await used(next), await used(other)]).toEqual([
      [200, 200],
      [200, 200],
    ]);
    await as(there, next, 'post', '/auth/logout').send({ everywhere: true }).expect(204);
    expect([await used(next), await used(other)]).toEqual([
      [401, 401],
      [401, 401],
    ]);
  });
});

it('a changed role, an ended API token and a deleted account take effect at every process', async () => {
  await whateverRedisDoes(async () => {
    const admin = await here.newUser('admin');
    const list = (service: TestService) =>
      as(service, admin.token, 'get', '/admin/operations').then(({ status }) => status);
    expect([await list(here), await list(there)]).toEqual([200, 200]);
    // as `webhoster admin revoke` does, in a process that knows no Redis
    await setRole(worker.database.direct, admin.email, 'user');
    expect([await list(here), await list(there)]).toEqual([403, 403]);

    const made = await here.engine.tokens.create(admin.user, {
      name: 'x',
      scopes: ['hosting:read'],
      days: 1,
    });
    const reads = () =>
      as(there, made.token, 'get', '/host/my').then(
        ({ body }) => (body as { error: { code: string } }).error.code,
      );
    expect(await reads()).toBe('hosting_not_found');
    await here.engine.tokens.revoke(admin.user, made.made.id);
    expect(await reads()).toBe('unauthorized');

    expect(await known(there, admin.token)).toBe(200);
    await as(here, admin.token, 'delete', '/auth/me').send({ password: admin.password }).expect(204);
    expect(await known(there, admin.token)).toBe(401);
  });
});

const shown = (service: TestService, { token }: SignedInUser) =>
  as(service, token, 'get', '/host/my').then(({ status, body }) => [
    status,
    (body as { data?: { hosting: { status: string } } }).data?.hosting.status,
  ]);

it('one process shows what was done at another, and nobody sees what is someone else’s', async () => {
  await whateverRedisDoes(async () => {
    const [user, neighbour] = [await here.newUser(), await there.newUser()];
    expect([await shown(here, user), await shown(there, user)]).toEqual([
      [404, undefined],
      [404, undefined],
    ]);
    await as(here, user.token, 'post', '/host').send({}).expect(201);
    expect([await shown(there, user), await shown(here, user)]).toEqual([
      [200, 'running'],
      [200, 'running'],
    ]);
    expect(await shown(there, neighbour)).toEqual([404, undefined]);
    await as(there, user.token, 'delete', '/host/my').expect(200);
    expect([await shown(here, user), await shown(there, user)]).toEqual([
      [404, undefined],
      [404, undefined],
    ]);
  });
});

it('events of a worker reach a client of another process, even if Redis dies on the way', async () => {
  const user = await here.newUser();
  let release: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    worker.host.faults.once('apply', async () => {
      resolve();
      await new Promise<void>((go) => (release = go));
    });
  });
  const { operation } = await here.engine.hostings.create(user.user, {});
  const followed: string[] = [];
  const following = (async () => {
    const events = there.engine.operations.events(operation.id, { signal: AbortSignal.timeout(60_000) });
    for await (const { id, type } of events) followed.push(`${id} ${type}`);
  })();
  await reached;
  await redis.kill();
  const begun = performance.now();
  release();
  await following;
  // what is written wakes whoever waits; it would be found after 2 s without
  expect(performance.now() - begun).toBeLessThan(1_900);
  expect(followed.map((each) => Number(each.split(' ')[0]))).toEqual(followed.map((_, index) => index + 1));
  expect([followed[0], followed.at(-1)]).toEqual([
    '1 operation.accepted',
    `${followed.length} operation.succeeded`,
  ]);
});

it('processes count requests together while Redis is up, and each alone while it is away', async () => {
  const user = await here.newUser();
  const left = async (service: TestService): Promise<number> =>
    Number((await as(service, user.token, 'get', '/auth/me')).headers['ratelimit-remaining']);
  expect([await left(here), await left(there), await left(here)]).toEqual([99, 98, 97]);
  await redis.kill();
  const alone = [await left(here), await left(there), await left(here), await left(there)];
  expect(alone).toEqual([99, 99, 98, 98]);
  await redis.start();
  for (const service of [here, there]) await redisIs(service, 'ok');
  expect([await left(here), await left(there)]).toEqual([99, 98]);
});
