/**
 * What Redis would win over PostgreSQL for what API processes share: sessions, reads of one's hosting, events. Behind
 * docs/adr/0014. Needs redis-server.
 *
 *     npm run bench:shared -- [--rounds 2000] [--json FILE]
 *
 * Both are on this machine, PostgreSQL without waiting for the disk, as reads and notifications do not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startHttpServer } from '../../api/http-server';
import { postgresEventBus } from '../../engine/durable';
import { createLog } from '../../engine/base/log';
import { openRedis, type Redis } from '../../engine/machine/redis/redis';
import { eventChannel } from '../../engine/store/operations';
import { cloneDatabase, freePort, startTestServer, stopTestServer } from '../support/postgres';
import { startService, type TestService } from '../worlds/service';

interface Result {
  readonly what: string;
  /** Milliseconds, one after the other. */
  readonly median: number;
  readonly p99: number;
  /** Of one processor, for each, in this process: what bounds a process of the API on a machine with others. */
  readonly cpu: number;
  /** With 16 at once. */
  readonly perSecond: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '2000' }, json: { type: 'string' } },
  });
  const rounds = Number(values.rounds);
  process.umask(0o077);
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-bench-'));
  const postgres = await startTestServer();
  process.env.TEST_POSTGRES = JSON.stringify(postgres);
  const { redis, server } = await startRedis(dir);
  const url = await cloneDatabase();
  const service = await startService(url, { ROLE: 'all' });
  try {
    const results = [
      ...(await sessionsAndReads(service, redis, rounds)),
      ...(await events(url, service, redis, rounds)),
    ];
    for (const { what, median, p99, cpu, perSecond } of results)
      console.log(
        `${what.padEnd(44)} ${median.toFixed(2).padStart(6)} ms ${p99.toFixed(2).padStart(7)} ms ${cpu.toFixed(2).padStart(6)} ms ${String(perSecond).padStart(7)}/s`,
      );
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, null, 2));
  } finally {
    await service.close();
    redis.disconnect();
    server.kill('SIGKILL');
    await stopTestServer(postgres);
    rmSync(dir, { recursive: true, force: true });
  }
}

async function startRedis(dir: string): Promise<{ redis: Redis; server: ChildProcess }> {
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
    cwd: dir,
  });
  await once(server, 'spawn');
  const redis = openRedis(`redis://127.0.0.1:${port}/0`, createLog('silent'));
  while (redis.status !== 'ready') await delay(10);
  return { redis, server };
}

async function sessionsAndReads(service: TestService, redis: Redis, rounds: number): Promise<Result[]> {
  const { engine } = service;
  const { user, token } = await service.newUser();
  const { operation } = await engine.hostings.create(user, {});
  await engine.operations.wait(operation.id, { timeoutMs: 60_000 });
  const hosting = await engine.hostings.mine(user);
  await redis.set('session', JSON.stringify(user));
  await redis.set('hosting', JSON.stringify(hosting));
  const logger = createLog('silent');
  const http = await startHttpServer(
    { engine, config: service.config, logger },
    { host: '127.0.0.1', port: await freePort() },
  );
  const address = `http://127.0.0.1:${http.port}/api/v1/host/my`;
  const results = [
    await measured('session, from PostgreSQL', rounds, () => engine.accounts.authenticate(token)),
    await measured('session, from Redis (without the signature)', rounds, async () =>
      JSON.parse((await redis.get('session')) ?? 'null'),
    ),
    await measured('hosting, from PostgreSQL', rounds, () => engine.hostings.mine(user)),
    await measured('hosting, from Redis', rounds, async () =>
      JSON.parse((await redis.get('hosting')) ?? 'null'),
    ),
    await measured('GET /host/my, whole', rounds, async () => {
      await (await fetch(address, { headers: { Authorization: `Bearer ${token}` } })).text();
    }),
  ];
  await http.close(0);
  return results;
}

/** From telling to hearing, in this process. */
async function events(url: string, service: TestService, redis: Redis, rounds: number): Promise<Result[]> {
  const bus = await postgresEventBus(url, createLog('silent'));
  const byPostgres = (): Promise<void> => {
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      const unsubscribe = bus.subscribe(id, () => {
        unsubscribe();
        resolve();
      });
      service.database.direct.query(`SELECT pg_notify($1, $2)`, [eventChannel, id]).catch(reject);
    });
  };
  const heard = new Map<string, () => void>();
  const subscriber = redis.duplicate();
  while (subscriber.status !== 'ready') await delay(10);
  await subscriber.subscribe(eventChannel);
  subscriber.on('message', (_, id: string) => heard.get(id)?.());
  const byRedis = (): Promise<void> => {
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      heard.set(id, () => {
        heard.delete(id);
        resolve();
      });
      redis.publish(eventChannel, id).catch(reject);
    });
  };
  const results = [
    await measured('event, by LISTEN and NOTIFY', rounds, byPostgres),
    await measured('event, by Redis', rounds, byRedis),
  ];
  subscriber.disconnect();
  await bus.close();
  return results;
}

async function measured(what: string, rounds: number, once: () => Promise<unknown>): Promise<Result> {
  for (let warm = 0; warm < rounds / 10; warm++) await once();
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    await once();
    times.push(performance.now() - begun);
  }
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  const begun = performance.now();
  let left = rounds;
  const client = async (): Promise<void> => {
    while (left-- > 0) await once();
  };
  await Promise.all(Array.from({ length: 16 }, client));
  const perSecond = Math.round((rounds / (performance.now() - begun)) * 1000);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? 0;
  return { what, median: at(0.5), p99: at(0.99), cpu: (user + system) / 1000 / rounds, perSecond };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
