/** Limits: what counting in Redis for everybody and counting in this process have in common, and what only Redis gives. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { rateLimit } from '../../engine/shared/rate-limit';
import { openRedis, type Redis, redisVersion } from '../../engine/shared/redis';
import { freePort } from '../support/postgres';

const quiet = { debug: () => 0, info: () => 0, warn: () => 0, error: () => 0, child: () => quiet } as never;
let port: number;
let server: ChildProcess;
let clients: Redis[] = [];

async function startRedis(): Promise<void> {
  server = spawn(
    'redis-server',
    [...`--port ${port} --bind 127.0.0.1 --appendonly no`.split(' '), '--save', ''],
    {
      stdio: 'ignore',
      cwd: '/tmp',
    },
  );
  await once(server, 'spawn');
}
async function stopRedis(): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
}
async function client(): Promise<Redis> {
  const redis = openRedis(`redis://127.0.0.1:${port}/0`, quiet);
  clients.push(redis);
  for (let tries = 0; redis.status !== 'ready'; tries++) {
    if (tries > 500) throw new Error('Redis does not answer');
    await delay(10);
  }
  return redis;
}

beforeEach(async () => {
  port = await freePort();
  await startRedis();
});
afterEach(async () => {
  for (const redis of clients) redis.disconnect();
  clients = [];
  await stopRedis();
});

describe.each([
  ['counted in Redis', () => client()],
  ['counted in this process', () => Promise.resolve(null)],
])('a limit %s', (_, open) => {
  it('allows so many, refuses the next, and says how long', async () => {
    const limit = rateLimit({ name: 'login', points: 2, seconds: 60, redis: await open() });
    expect(await limit.take('kim')).toMatchObject({ allowed: true, remaining: 1 });
    expect(await limit.take('kim')).toMatchObject({ allowed: true, remaining: 0 });
    const refused = await limit.take('kim');
    expect(refused).toMatchObject({ allowed: false, remaining: 0 });
    expect(refused.resetMs).toBeGreaterThan(50_000);
    expect(refused.resetMs).toBeLessThanOrEqual(60_000);
  });

  it('counts each key for itself', async () => {
    const limit = rateLimit({ name: 'login', points: 1, seconds: 60, redis: await open() });
    expect((await limit.take('kim')).allowed).toBe(true);
    expect((await limit.take('ana')).allowed).toBe(true);
    expect((await limit.take('kim')).allowed).toBe(false);
  });

  it('begins anew when its time is up', async () => {
    const limit = rateLimit({ name: 'login', points: 1, seconds: 1, redis: await open() });
    expect((await limit.take('kim')).allowed).toBe(true);
    expect((await limit.take('kim')).allowed).toBe(false);
    await delay(1_100);
    expect((await limit.take('kim')).allowed).toBe(true);
  });
});

describe('Redis', () => {
  const limited = (redis: Redis, name = 'login') => rateLimit({ name, points: 2, seconds: 60, redis });

  it('counts for all processes together, each limit by its name', async () => {
    const [one, other] = [await client(), await client()];
    await limited(one).take('kim');
    await limited(other).take('kim');
    expect((await limited(one).take('kim')).allowed).toBe(false);
    expect((await limited(other).take('kim')).allowed).toBe(false);
    expect((await limited(one, 'register').take('kim')).allowed).toBe(true);
  });

  it('is not waited for while it is away: the process counts for itself, and together again afterwards', async () => {
    const redis = await client();
    const limit = limited(redis);
    await stopRedis();
    const started = performance.now();
    expect((await limit.take('kim')).allowed).toBe(true);
    expect((await limit.take('kim')).allowed).toBe(true);
    expect((await limit.take('kim')).allowed).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_500);
    await expect(redisVersion(redis)).rejects.toThrow();
    await startRedis();
    for (let tries = 0; redis.status !== 'ready' && tries < 600; tries++) await delay(10);
    expect(await redisVersion(redis)).toMatch(/^Redis \d+\.\d+/);
    // its own count began anew
    expect(await limit.take('kim')).toMatchObject({ allowed: true, remaining: 1 });
  });
});
