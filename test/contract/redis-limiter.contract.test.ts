/** Limits counted in Redis for everybody, and what becomes of them while it is away. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { openRedis, type Redis } from '../../engine/machine/redis/redis';
import { redisVersion } from '../../engine/machine/redis/version';
import { redisLimiter } from '../../engine/machine/redis/redis-limiter';
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

describe('a limiter in Redis', () => {
  it('a limiter in Redis allows its points, refuses the next, says for how long, and can forget a key', async () => {
    const limiter = redisLimiter('login', { points: 2, seconds: 60 }, await client());
    expect(await limiter.take('kim')).toMatchObject({ allowed: true, left: 1 });
    expect(await limiter.take('kim')).toMatchObject({ allowed: true, left: 0 });
    const refused = await limiter.take('kim');
    expect(refused).toMatchObject({ allowed: false, left: 0 });
    expect([refused.seconds > 50, refused.seconds <= 60]).toEqual([true, true]);
    await limiter.forget('kim');
    expect(await limiter.take('kim')).toMatchObject({ allowed: true, left: 1 });
  });

  it('a limiter in Redis counts each key separately, and several points at once', async () => {
    const limiter = redisLimiter('login', { points: 3, seconds: 60 }, await client());
    expect(await limiter.take('kim', 3)).toMatchObject({ allowed: true, left: 0 });
    expect((await limiter.take('kim')).allowed).toBe(false);
    expect((await limiter.take('ana', 4)).allowed).toBe(false);
    expect((await limiter.take('lee')).left).toBe(2);
  });

  it('concurrent callers of a limiter in Redis get no more points than there are', async () => {
    const limiter = redisLimiter('login', { points: 3, seconds: 60 }, await client());
    const taken = await Promise.all(Array.from({ length: 30 }, () => limiter.take('kim')));
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(3);
  });

  it('a limiter in Redis starts again when its window is over', async () => {
    const limiter = redisLimiter('login', { points: 1, seconds: 1 }, await client());
    expect((await limiter.take('kim')).allowed).toBe(true);
    expect((await limiter.take('kim')).allowed).toBe(false);
    await delay(1_100);
    expect((await limiter.take('kim')).allowed).toBe(true);
  });
});

describe('Redis', () => {
  const limited = (redis: Redis, name = 'login') => redisLimiter(name, { points: 2, seconds: 60 }, redis);

  it('Redis counts for all processes together, each limit by its name', async () => {
    const [one, other] = [await client(), await client()];
    await limited(one).take('kim');
    await limited(other).take('kim');
    expect((await limited(one).take('kim')).allowed).toBe(false);
    expect((await limited(other).take('kim')).allowed).toBe(false);
    expect((await limited(one, 'register').take('kim')).allowed).toBe(true);
  });

  it('nobody waits for a Redis that is away: the process counts alone, and together again afterwards', async () => {
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
    let version = '';
    for (let tries = 0; version === '' && tries < 1000; tries++) {
      version = await redisVersion(redis).catch(() => '');
      await delay(10);
    }
    expect(version).toMatch(/^Redis \d+\.\d+/);
    // its own count began anew
    expect(await limit.take('kim')).toMatchObject({ allowed: true, left: 1 });
  });
});
