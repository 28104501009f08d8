/** Two API processes and two workers on one database, of which one of each is killed under load: nothing accepted is lost. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Database, openDatabase } from '../../engine/store/database';
import { ensureNode, updateNode } from '../../engine/store/stacks';
import { FakeHost } from '../fakes/fake-host';
import { cloneDatabase, freePort } from '../support/postgres';
import { serveHost } from '../support/remote-host';
import { strongSecrets } from '../support/service';

jest.setTimeout(240_000);

const people = 40;
const askingAtOnce = 8;

let dir: string;
let url: string;
let database: Database;
let host: FakeHost;
let machine: http.Server;
let ports: number[];
const children: ChildProcess[] = [];

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-replicas-'));
  url = await cloneDatabase();
  database = await openDatabase(url);
  await ensureNode(database.direct, 'local', randomUUID());
  await updateNode(database.direct, 'local', {
    domainType: 'qemu',
    prepared: 'for tests',
    images: { micro: { baseVolumePath: '/pool/base.qcow2', boot: { kind: 'disk' } } },
  });
  host = new FakeHost();
  machine = await serveHost(host, path.join(dir, 'host.sock'), 25);
  ports = [await freePort(), await freePort()];
});
afterAll(async () => {
  await Promise.all(children.map(end));
  machine.closeAllConnections();
  await new Promise((resolve) => machine.close(resolve));
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(role: 'api' | 'worker', port = 8000): Promise<ChildProcess> {
  const child = fork(path.join(__dirname, '../support/replica.ts'), {
    execArgv: ['--require', path.join(__dirname, '../support/typescript.cjs')],
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, ...strongSecrets },
      ...{ NODE_ENV: 'test', LOG_LEVEL: process.env.TEST_LOG ?? 'fatal', ROLE: role },
      ...{ DATABASE_URL: url, DATA_DIR: path.join(dir, 'data'), API_PORT: String(port), IMAGE: 'micro' },
      ...{ BCRYPT_COST: '4', RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_ANONYMOUS_PER_MINUTE: '0' },
      TEST_HOST: path.join(dir, 'host.sock'),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`${role} ended with ${code}`)));
  });
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly data: Record<string, never> };
}

let cutOff = 0;

/** As clients do with two addresses for one service: to the other one when the first does not answer. */
async function ask(first: number, method: string, at: string, init: RequestInit = {}): Promise<Answer> {
  for (let tries = 0; tries < 20; tries++) {
    try {
      const response = await fetch(`http://127.0.0.1:${ports[(first + tries) % 2]}/api/v1${at}`, {
        ...init,
        method,
      });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    } catch {
      cutOff++;
      await delay(50);
    }
  }
  throw new Error(`nobody answers ${method} ${at}`);
}

interface Person {
  readonly index: number;
  readonly token: string;
}

async function signUp(index: number): Promise<Person> {
  const account = {
    email: `p${index}@example.org`,
    username: `person-${index}`,
    password: `passphrase ${randomUUID()}`,
  };
  const json = { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(account) };
  expect((await ask(index, 'POST', '/auth/register', json)).status).toBe(201);
  const form = new URLSearchParams({ username: account.email, password: account.password });
  const response = await fetch(`http://127.0.0.1:${ports[index % 2]}/api/v1/auth/login`, {
    method: 'POST',
    body: form,
  });
  return { index, token: ((await response.json()) as { access_token: string }).access_token };
}

/** One create, asked again under the same key until somebody accepts it; every second one waits for its hosting. */
async function create({ index, token }: Person): Promise<{ operation: string; hosting: string }> {
  const { status, body } = await ask(index, 'POST', '/host', {
    headers: {
      Authorization: `Bearer ${token}`,
      'Idempotency-Key': `create-${index}`,
      Prefer: index % 2 === 0 ? 'wait=60' : 'respond-async',
    },
  });
  expect([201, 202]).toContain(status);
  const { operation, hosting } = body.data as unknown as Record<string, Record<string, string>>;
  return { operation: operation?.id ?? '', hosting: hosting?.vm_id ?? '' };
}

const leasesOf = async ({ pid }: ChildProcess): Promise<number> => {
  const [row]: { held: number }[] = await database.direct.query(
    `SELECT count(*)::int AS held FROM leases WHERE owner LIKE '%:' || $1 || ':%' AND expires_at > clock_timestamp()`,
    [String(pid)],
  );
  return row?.held ?? 0;
};

async function until(holds: () => Promise<boolean> | boolean, what: string, ms = 60_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await delay(20);
  }
}

it('ends every accepted create when an API process and a worker are killed in the midst', async () => {
  const [api, , worker] = await Promise.all([
    start('api', ports[0]),
    start('api', ports[1]),
    start('worker'),
    start('worker'),
  ]);
  const everybody: Person[] = [];
  for (let index = 0; index < people; index++) everybody.push(await signUp(index));

  const accepted: Awaited<ReturnType<typeof create>>[] = [];
  const waiting = [...everybody];
  const client = async (): Promise<void> => {
    for (let person = waiting.shift(); person !== undefined; person = waiting.shift())
      accepted.push(await create(person));
  };
  const load = Promise.all(Array.from({ length: askingAtOnce }, client));
  await until(() => accepted.length >= people / 8, 'some are accepted');
  await until(async () => (await leasesOf(worker!)) > 0, 'the worker works');
  const atWork = await leasesOf(worker!);
  await Promise.all([end(worker!), end(api!)]);
  const acceptedBefore = accepted.length;
  await load;

  // whoever was cut off asked again, and has one hosting, not two
  expect(cutOff).toBeGreaterThan(0);
  expect(new Set(accepted.map(({ operation }) => operation)).size).toBe(people);
  expect(acceptedBefore).toBeLessThan(people);
  expect(atWork).toBeGreaterThan(0);
  const statuses = async (): Promise<Record<string, number>> => {
    const rows: { status: string; count: number }[] = await database.direct.query(
      `SELECT status, count(*)::int AS count FROM operations GROUP BY status`,
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  };
  // what the dead worker held is taken up when its lease has run out
  await until(async () => (await statuses()).succeeded === people, 'all are done', 120_000).catch(
    () => undefined,
  );
  expect(await statuses()).toEqual({ succeeded: people });
  for (const person of everybody) {
    const authorization = { headers: { Authorization: `Bearer ${person.token}` } };
    const { status, body } = await ask(1, 'GET', '/host/my', authorization);
    const { hosting } = body.data as unknown as { hosting: Record<string, string> };
    expect([status, hosting.status]).toEqual([200, 'running']);
    expect(accepted.map((each) => each.hosting)).toContain(hosting.vm_id);
  }
  expect(host.domains.size).toBe(people);
  expect(host.routes).toHaveLength(people);
  process.stderr.write(
    `${people} creates, ${cutOff} requests cut off, a worker killed with ${atWork} of them in its hands\n`,
  );
});
