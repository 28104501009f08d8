/** Processes of the service on one database and one fake host, each of which may be ended or killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Database, openDatabase } from '../../engine/store/database';
import { ensureNode, updateNode } from '../../engine/store/stacks';
import { FakeHost } from '../fakes/fake-host';
import { cloneDatabase, freePort } from '../support/postgres';
import { serveHost } from './remote-host';
import { strongSecrets } from './fake-parts';

export interface Replica {
  readonly pid: number;
  /** Of its API, at 127.0.0.1. */
  readonly port: number;
  /** What it has logged, one JSON object each. */
  readonly lines: string[];
  /** As an operator ends it. */
  stop(): Promise<void>;
  /** By SIGKILL. */
  kill(): Promise<void>;
}

export interface Replicas {
  readonly host: FakeHost;
  readonly database: Database;
  start(role: 'all' | 'api' | 'worker', settings?: Record<string, string>): Promise<Replica>;
  close(): Promise<void>;
}

/** @param latencyMs  of each call of the host */
export async function openReplicas(latencyMs = 0): Promise<Replicas> {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-replicas-'));
  const url = await cloneDatabase();
  const database = await openDatabase(url);
  await ensureNode(database.direct, 'local', randomUUID());
  await updateNode(database.direct, 'local', {
    domainType: 'qemu',
    prepared: 'for tests',
    images: { micro: { baseVolumePath: '/pool/base.qcow2', boot: { kind: 'disk' } } },
  });
  const host = new FakeHost();
  const socket = path.join(dir, 'host.sock');
  const machine = await serveHost(host, socket, latencyMs);
  const started: Replica[] = [];
  return {
    host,
    database,
    start: async (role, settings = {}) => {
      const port = await freePort();
      const replica = await startReplica(port, {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME, ...strongSecrets, TEST_HOST: socket },
        ...{ NODE_ENV: 'test', LOG_LEVEL: 'info', ROLE: role, API_PORT: String(port), IMAGE: 'micro' },
        ...{ DATABASE_URL: url, DATA_DIR: path.join(dir, 'data'), BCRYPT_COST: '4' },
        ...{ RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_ANONYMOUS_PER_MINUTE: '0', ...settings },
      });
      started.push(replica);
      return replica;
    },
    close: async () => {
      await Promise.all(started.map((replica) => replica.kill()));
      machine.closeAllConnections();
      await new Promise((resolve) => machine.close(resolve));
      await database.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function startReplica(port: number, env: NodeJS.ProcessEnv): Promise<Replica> {
  const child = fork(path.join(__dirname, 'replica.ts'), {
    execArgv: ['--require', path.join(__dirname, '../support/typescript.cjs')],
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`${env.ROLE} ended with ${code}: ${output}`)));
  });
  return {
    pid: child.pid ?? 0,
    port,
    get lines() {
      return output.split('\n').filter((line) => line.startsWith('{'));
    },
    stop: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

export interface Person {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  readonly token: string;
}

/** Registers and signs in over HTTP. */
export async function signUp({ port }: Pick<Replica, 'port'>): Promise<Person> {
  const username = `p-${randomUUID().slice(0, 8)}`;
  const account = { email: `${username}@example.org`, username, password: `passphrase of ${username}` };
  const api = `http://127.0.0.1:${port}/api/v1/auth`;
  const registered = await fetch(`${api}/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(account),
  });
  if (registered.status !== 201) throw new Error(`not registered: ${registered.status}`);
  const form = new URLSearchParams({ username: account.email, password: account.password });
  const signedIn = await fetch(`${api}/login`, { method: 'POST', body: form });
  return { ...account, token: ((await signedIn.json()) as { access_token: string }).access_token };
}
