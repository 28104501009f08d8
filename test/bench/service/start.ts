/** Starts PostgreSQL and services on it, each with its own database, ports and addresses, in the bench's namespace. */
import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../../engine/store/embedded-postgres';
import { embeddedDatabase, postgresUrl } from '../../../engine/store/url';
import { projectRoot } from '../../../engine/base/project';
import { cacheDir } from '../../support/postgres';
import { until } from '../../worlds/system';
import type { Isolated } from '../namespace';
import type { Told } from './main';

export interface Postgres {
  /** @returns the URL of a database of its own, empty */
  newDatabase(): Promise<string>;
}

/** With the settings that the service itself gives it: what is committed is on the disk. */
export async function startPostgres({ dir }: Isolated): Promise<Postgres> {
  const server = { port: 5433, password: randomBytes(18).toString('hex') };
  const home = path.join(dir, 'postgres');
  await startEmbeddedPostgres({ ...server, dir: home, cacheDir, database: embeddedDatabase });
  let databases = 0;
  return {
    newDatabase: async () => {
      const database = `bench_${++databases}`;
      const client = new Client({ connectionString: postgresUrl({ ...server, database: 'postgres' }) });
      await client.connect();
      await client.query(`CREATE DATABASE ${database}`);
      await client.end();
      return postgresUrl({ ...server, database });
    },
  };
}

export interface BenchService {
  readonly env: Readonly<Record<string, string>>;
  readonly api: string;
  readonly web: string;
  /** Resident memory of API and worker, MiB. */
  residentMiB(): number;
  /** The most VMs that ever booted at once. */
  mostBooting(): Promise<number>;
}

export interface ServiceOptions {
  readonly name: string;
  /** Tells services side by side apart: 1, 2, … */
  readonly number: number;
  readonly url: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** @default 0 */
  readonly bootMs?: number;
  readonly onPage: (ip: string, page: string | null) => void;
}

/** API and worker in one process, VMs made by fakes. */
export async function startBenchService(given: Isolated, options: ServiceOptions): Promise<BenchService> {
  const env = environment(given, options);
  const log = openSync(logFile(env), 'a');
  const child = fork(path.join(__dirname, 'main.js'), {
    env: { ...env, BENCH_BOOT_MS: String(options.bootMs ?? 0) },
    stdio: ['ignore', log, log, 'ipc'],
  });
  let tellMost: (most: number) => void = () => undefined;
  await new Promise<void>((resolve, reject) => {
    child.on('message', (told: Told) => {
      if (told.kind === 'ready') resolve();
      if (told.kind === 'page') options.onPage(told.ip, told.page);
      if (told.kind === 'booting') tellMost(told.most);
    });
    child.once('exit', () => {
      reject(new Error(`the service ended: ${logOf(env).slice(-3000)}`));
    });
  });
  return {
    ...addresses(env),
    env,
    residentMiB: () => residentMiB(child.pid ?? -1),
    mostBooting: () =>
      new Promise((resolve) => {
        tellMost = resolve;
        child.send('booting');
      }),
  };
}

/** The API alone, as it is released: no fake is in it, since it makes no VM. */
export async function startRealApi(given: Isolated, options: ServiceOptions): Promise<BenchService> {
  const env = { ...environment(given, options), ROLE: 'api' };
  const log = openSync(logFile(env), 'a');
  const child = spawn(process.execPath, [path.join(projectRoot, 'dist/api/main.js')], {
    env,
    stdio: ['ignore', log, log],
  });
  const { api } = addresses(env);
  await until(
    60_000,
    'the API is healthy',
    async () => (await fetch(`${api}/api/v1/health`).catch(() => null))?.ok === true,
    () => {
      if (child.exitCode !== null) throw new Error(`the API ended: ${logOf(env).slice(-3000)}`);
    },
  );
  return {
    ...addresses(env),
    env,
    residentMiB: () => residentMiB(child.pid ?? -1),
    mostBooting: () => Promise.resolve(0),
  };
}

function environment(
  { dir }: Isolated,
  { name, number, url, settings }: ServiceOptions,
): Record<string, string> {
  const home = path.join(dir, name);
  mkdirSync(home, { mode: 0o711 });
  const secret = (): string => randomBytes(24).toString('hex');
  const first = 10_000 + number * 2_000;
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '/root',
    NODE_ENV: 'test',
    CACHE_DIR: cacheDir,
    DATA_DIR: home,
    DATABASE_URL: url,
    // every address of 127.0.0.0/8 is this machine's: fakes of VMs serve their pages there
    NETWORK_CIDR: `127.${64 + number}.0.0/22`,
    IMAGE: 'micro',
    DOMAIN_TYPE: 'qemu',
    API_HOST: '127.0.0.1',
    API_PORT: String(8000 + number),
    HTTP_PORT: String(9000 + number),
    SSH_PORT_MIN: String(first),
    SSH_PORT_MAX: String(first + 1_999),
    JWT_SECRET: secret(),
    STATE_KEY: secret(),
    // accounts are not what is measured
    BCRYPT_COST: '4',
    RATE_LIMIT_PER_MINUTE: '1000000',
    RATE_LIMIT_ANONYMOUS_PER_MINUTE: '1000000',
    ...settings,
  };
}

function addresses(env: Readonly<Record<string, string>>): Pick<BenchService, 'api' | 'web'> {
  return { api: `http://127.0.0.1:${env.API_PORT ?? ''}`, web: `http://127.0.0.1:${env.HTTP_PORT ?? ''}` };
}

function logFile(env: Readonly<Record<string, string>>): string {
  return path.join(env.DATA_DIR ?? '', 'api.log');
}

function logOf(env: Readonly<Record<string, string>>): string {
  return readFileSync(logFile(env), 'utf8');
}

function residentMiB(pid: number): number {
  const kib = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return kib / 1024;
}
