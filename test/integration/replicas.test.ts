/** Two API processes and two workers on one database, of which one of each is killed under load: nothing accepted is lost. */
import { setTimeout as delay } from 'node:timers/promises';
import { openReplicas, type Person, type Replica, type Replicas, signUp } from '../worlds/replicas';

jest.setTimeout(240_000);

const people = 40;
const askingAtOnce = 8;

let replicas: Replicas;
let ports: number[];

beforeAll(async () => {
  replicas = await openReplicas(25);
});
afterAll(() => replicas.close());

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

/** One create, asked again under the same key until somebody accepts it; every second one waits for its hosting. */
async function create({ token }: Person, index: number): Promise<{ operation: string; hosting: string }> {
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

const leasesOf = async ({ pid }: Replica): Promise<number> => {
  const [row]: { held: number }[] = await replicas.database.direct.query(
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

it('every accepted create ends although an API process and a worker are killed meanwhile', async () => {
  const [api, other, worker] = await Promise.all([
    replicas.start('api'),
    replicas.start('api'),
    replicas.start('worker'),
    replicas.start('worker'),
  ]);
  ports = [api.port, other.port];
  const everybody: Person[] = [];
  for (let index = 0; index < people; index++) everybody.push(await signUp(index % 2 === 0 ? api : other));

  const accepted: Awaited<ReturnType<typeof create>>[] = [];
  const waiting = [...everybody.entries()];
  const client = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      accepted.push(await create(next[1], next[0]));
  };
  const load = Promise.all(Array.from({ length: askingAtOnce }, client));
  await until(() => accepted.length >= people / 8, 'some are accepted');
  await until(async () => (await leasesOf(worker)) > 0, 'the worker works');
  const atWork = await leasesOf(worker);
  await Promise.all([worker.kill(), api.kill()]);
  const acceptedBefore = accepted.length;
  await load;

  // whoever was cut off asked again, and has one hosting, not two
  expect(cutOff).toBeGreaterThan(0);
  expect(new Set(accepted.map(({ operation }) => operation)).size).toBe(people);
  expect(acceptedBefore).toBeLessThan(people);
  expect(atWork).toBeGreaterThan(0);
  const statuses = async (): Promise<Record<string, number>> => {
    const rows: { status: string; count: number }[] = await replicas.database.direct.query(
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
  expect(replicas.host.domains.size).toBe(people);
  expect(replicas.host.routes).toHaveLength(people);
  process.stderr.write(
    `${people} creates, ${cutOff} requests cut off, a worker killed with ${atWork} of them in its hands\n`,
  );
});
