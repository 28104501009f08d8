/** One PostgreSQL for a test run, a database of its own for each test file, cloned from a migrated template. */
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres, stopEmbeddedPostgres } from '../../engine/store/embedded-postgres';
import { openDatabase } from '../../engine/store/database';
import { migrateQueue } from '../../engine/durable';
import { postgresRole, postgresUrl } from '../../engine/store/url';

const template = 'webhoster_template';
export const cacheDir = process.env.CACHE_DIR ?? '/var/cache/vm-webhoster';

export interface TestServer {
  readonly dir: string;
  readonly port: number;
  readonly password: string;
}

export async function startTestServer(): Promise<TestServer> {
  const home = mkdtempSync(path.join(await placeOfData(), 'webhoster-postgres-'));
  chmodSync(home, 0o711);
  const server = {
    dir: path.join(home, 'data'),
    port: await freePort(),
    password: randomBytes(18).toString('hex'),
  };
  await startEmbeddedPostgres({ ...server, cacheDir, database: template });
  const url = postgresUrl({ ...server, database: template });
  await migrateQueue(url);
  const database = await openDatabase(url);
  await database.migrate();
  await database.close();
  await quicken(server);
  return server;
}

/** In memory where there is room: a run makes more than a thousand databases, of 9 MB and 300 files each. */
async function placeOfData(): Promise<string> {
  const memory = '/dev/shm';
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > 6 * 1024 ** 3 ? memory : tmpdir();
}

/** Nothing here is to outlive the server, so nobody waits for the disk; and a thousand worlds sign in ten times each. */
async function quicken(server: TestServer): Promise<void> {
  const client = new Client({ connectionString: postgresUrl({ ...server, database: 'postgres' }) });
  await client.connect();
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes', 'jit'])
    await client.query(`ALTER SYSTEM SET ${setting} = off`);
  await client.query('SET scram_iterations = 1');
  await client.query(`ALTER ROLE ${postgresRole} PASSWORD '${server.password}'`);
  await client.query('SELECT pg_reload_conf()');
  await client.end();
}

export async function stopTestServer(server: TestServer): Promise<void> {
  await stopEmbeddedPostgres({ dir: server.dir, cacheDir });
  rmSync(path.dirname(server.dir), { recursive: true, force: true });
}

/** @returns the URL of a fresh, migrated database; the server goes with the test run */
export function cloneDatabase(): Promise<string> {
  return createDatabase(` TEMPLATE ${template}`);
}

/** @returns the URL of a database without any table; the server goes with the test run */
export function emptyDatabase(): Promise<string> {
  return createDatabase('');
}

/**
 * Gives the room back that a database takes, once nobody is connected any more; one that stays in use goes with the
 * server. For worlds, of which there are a thousand.
 */
export async function dropDatabase(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await withServer((client) => client.query(`DROP DATABASE ${name}`).catch(() => undefined));
}

async function createDatabase(from: string): Promise<string> {
  const database = `test_${randomBytes(6).toString('hex')}`;
  const server = await withServer(async (client) => {
    // two clones at once would each find the template in use
    await client.query(`SELECT pg_advisory_lock(1)`);
    await client.query(`CREATE DATABASE ${database}${from}`);
  });
  return postgresUrl({ ...server, database });
}

async function withServer(body: (client: Client) => Promise<unknown>): Promise<TestServer> {
  const server = JSON.parse(process.env.TEST_POSTGRES ?? 'null') as TestServer;
  const client = new Client({ connectionString: postgresUrl({ ...server, database: 'postgres' }) });
  await client.connect();
  try {
    await body(client);
  } finally {
    await client.end();
  }
  return server;
}

const given = new Set<number>();

/**
 * A port that nobody listens on, of those below the ones that the kernel connects from: a connection somewhere on the
 * machine could take one of these until a server that was ended comes back. Each of Jest's workers has its own range
 * and gives no port twice, so that a server which is down for a moment finds its port free.
 */
export async function freePort(): Promise<number> {
  const [first, last, ranges] = [21_000, 32_768, 9];
  const width = Math.floor((last - first) / ranges);
  // 0 is for what is no worker of Jest's
  const from = first + width * (Number(process.env.JEST_WORKER_ID ?? 0) % ranges);
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(from, from + width);
    if (given.has(port) || !(await canListen(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error('no free port among a hundred');
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '0.0.0.0', () => probe.close(() => resolve(true)));
  });
}
