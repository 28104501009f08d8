/**
 * No statement that is made again and again reads a table that grows: whatever the service says to PostgreSQL while it
 * looks after things, does every operation and answers every GET is heard, and then explained on a database of a year.
 * What is added later is heard as well.
 */
import request from 'supertest';
import { Client } from 'pg';
import { createApp } from '../../api/app';
import { describeApi } from '../../api/openapi';
import { routes } from '../../api/routes';
import { memoryLimiter } from '../../engine/base/limits';
import { outlookOf } from '../../engine/store/outlook';
import { deleteOldRecords } from '../../engine/durable';
import { startWorking } from '../../engine/start';
import { recordSweep } from '../../engine/store/sweeps';
import { setRole } from '../../engine/store/users';
import { sweep } from '../../engine/sweep';
import { type Asked, listenIn, readsTooMuch } from '../support/explain';
import { until } from '../worlds/system';
import { openWorld, type World } from '../worlds/world';
import { fillWithAYear, growing, living } from '../support/year';

jest.setTimeout(180_000);

let world: World;
let client: Client;
let asked: ReadonlyMap<string, Asked>;

beforeAll(async () => {
  world = await openWorld({
    SLEEP_AFTER_MINUTES: '525600',
    WARM_POOL_SIZE: '1',
    WARM_POOL_MAX: '2',
    TLS_MODE: 'self-signed',
    NETWORK_CIDR: '10.90.0.0/20',
    SSH_PORT_MAX: '30000',
  });
  const url = world.config.DATABASE_URL!;
  await fillWithAYear(url);
  client = new Client({ connectionString: url });
  await client.connect();
  const heard = listenIn();
  asked = heard.asked;
  try {
    await liveThrough(world);
  } finally {
    heard.stop();
  }
});
afterAll(async () => {
  await client.end();
  await world.close();
});

/** Everything that a service does, once. */
async function liveThrough({ parts, engine, config, ...rest }: World): Promise<void> {
  const stop = await startWorking({ parts, ...rest });
  const { direct } = parts.database;
  await recordSweep(direct, await sweep(parts));
  await deleteOldRecords(parts);
  const password = 'a fine passphrase';
  const email = 'statements@example.org';
  await engine.accounts.register({ email, username: 'statements', password });
  const user = await setRole(direct, email, 'admin');
  const { accessToken } = await engine.accounts.login({ email, password });
  const ended = async ({ id }: { id: string }): Promise<void> => {
    expect((await engine.operations.wait(id, { timeoutMs: 60_000 })).status).toBe('succeeded');
  };
  const { operation, hosting } = await engine.hostings.create(user, { idempotencyKey: 'once' });
  // of one that has ended already nobody is told
  await outlookOf(direct, operation.id);
  await ended(operation);
  await ended(await engine.plans.request(user, hosting.id));
  await ended(await engine.plans.requestDelete(user, hosting.id));
  await ended(await engine.plans.apply(user, hosting.id, { agreed: null, recreateDisk: false }));
  const [run] = await engine.runs.list(user, hosting.id, { limit: 5 });
  const app = createApp({
    engine: { ...engine, limiter: (_, limit) => memoryLimiter(limit), close: () => Promise.resolve() },
    config,
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined } as never,
  });
  const idOf = (path: string): string =>
    path.includes('/operations/') ? operation.id : path.includes('/runs/') ? run!.id : hosting.id;
  for (const path of gets) {
    const answer = await request(app)
      .get(path.replace('{id}', idOf(path)).replace('{username}', 'statements'))
      .set('Authorization', `Bearer ${accessToken}`)
      .set('Prefer', 'wait=30');
    expect([path, answer.status]).toEqual([path, 200]);
  }
  for (const status of ['failed', 'stuck', 'pending', 'running', 'unwinding'] as const)
    await engine.operations.list({ status, limit: 50 });
  await engine.hostings.list(
    { names: ['statements'], labels: { a: 'b' }, olderThanSeconds: 1 },
    { limit: 50, after: hosting.id },
  );
  await engine.audit.list({ limit: 50, userId: user.id, after: '1000' });
  await engine.audit.list({ limit: 50, action: 'createHosting' });
  await ended(await engine.hostings.delete(user));
  // a spare is made in the meantime, which the warm pool's looks tell of
  await until(60_000, 'a spare waits', async () =>
    (await engine.metrics.read()).spares.some(({ state, count }) => state === 'waiting' && count > 0),
  );
  stop();
  await parts.queue.stop();
}

const document = describeApi(routes) as { paths: Record<string, Record<string, unknown>> };
const gets = Object.entries(document.paths).flatMap(([path, methods]) => ('get' in methods ? [path] : []));

it('no periodic statement reads a growing table as a whole', async () => {
  const statements = [...asked.values()].filter(
    ({ text }) =>
      /^\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b/i.test(text) && growing.some((table) => text.includes(table)),
  );
  expect(statements.length).toBeGreaterThan(60);
  const bad: string[] = [];
  for (const statement of statements) {
    // as many as live may be read, once or twice
    const found = await readsTooMuch(client, statement, { tables: growing, most: 3 * living }).catch(
      (error: Error) => [`not explained: ${error.message}`],
    );
    if (found.length > 0) bad.push(`${found.join(', ')}:\n${statement.text.trim()}\n`);
  }
  expect(bad.join('\n')).toBe('');
});

it('every foreign key to rows that are deleted has an index', async () => {
  const { rows } = await client.query<{ reference: string }>(
    `SELECT conrelid::regclass || ' (' || a.attname || ')' AS reference
     FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
     WHERE c.contype = 'f' AND c.confrelid::regclass::text = ANY ($1)
       AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1] AND i.indpred IS NULL)`,
    [growing],
  );
  expect(rows).toEqual([]);
});
