/**
 * A database that an older version left in the middle of its work: this one brings it up to date, and its worker ends
 * what was begun. What it is made of, and how: test/fixtures/version-f560582.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { migrateQueue } from '../../engine/durable';
import { operationKinds } from '../../engine/model/operation';
import { applyMigrations, connect, lockMigrations, type Tx } from '../../engine/store/database';
import { FakeHost } from '../fakes/fake-host';
import { emptyDatabase } from '../support/postgres';
import { until } from '../support/until';
import { openWorld, type World } from '../worlds/world';

interface Former {
  readonly migrations: readonly string[];
  readonly rows: Readonly<Record<string, readonly Record<string, unknown>[]>>;
  readonly jobs: readonly { readonly task_identifier: string; readonly key: string }[];
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(__dirname, '../fixtures/version-f560582', name), 'utf8')) as T;
}
const former = read<Former>('database.json');

let world: World;
beforeEach(async () => {
  world = await openWorld({}, {}, { url: await formerDatabase(), host: formerMachine() });
});
afterEach(() => world.close());

async function formerDatabase(): Promise<string> {
  const url = await emptyDatabase();
  await migrateQueue(url);
  const source = await connect(url, { max: 1 });
  await source.transaction(async (tx) => {
    await lockMigrations(tx);
    await applyMigrations(tx, former.migrations);
    // tables that refer to each other, in any order
    await tx.query(`SET LOCAL session_replication_role = replica`);
    for (const [table, rows] of Object.entries(former.rows)) await insert(tx, table, rows);
    for (const { task_identifier: task, key } of former.jobs)
      await tx.query(
        `SELECT graphile_worker.add_job($1, json_build_object('stackId', $2::text), job_key := $2::text)`,
        [task, key],
      );
  });
  await source.destroy();
  return url;
}

async function insert(tx: Tx, table: string, rows: Former['rows'][string]): Promise<void> {
  await tx.query(`DELETE FROM ${table}`);
  for (const row of rows) {
    const columns = Object.keys(row).join(', ');
    await tx.query(
      `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE
       SELECT ${columns} FROM jsonb_populate_record(NULL::${table}, $1)`,
      [JSON.stringify(row)],
    );
  }
}

function formerMachine(): FakeHost {
  const host = new FakeHost();
  for (const [name, entries] of Object.entries(read<Record<string, unknown[]>>('machine.json'))) {
    const part = host[name as keyof FakeHost];
    if (part instanceof Map) for (const [key, value] of entries as [string, never][]) part.set(key, value);
    if (part instanceof Set) for (const value of entries as never[]) part.add(value);
  }
  return host;
}

const asOf = <T>(text: string): Promise<T[]> => world.parts.database.direct.query(text);

it('an upgrade ends every operation that was begun or waits, by the jobs in its queue', async () => {
  const begun = former.rows.operations!.filter(({ status }) => status !== 'succeeded');
  expect(begun.map(({ kind, status }) => `${String(kind)} ${String(status)}`).sort()).toEqual([
    'apply-stack running',
    'check-drift running',
    'create-hosting running',
    'delete-hosting running',
    'plan-hosting pending',
    'plan-removal pending',
    'sleep-hosting running',
    'wake-hosting running',
  ]);
  await world.parts.queue.start((stackId, handover) => world.runner.perform(stackId, handover));
  const open = () => asOf<{ kind: string }>(`SELECT kind FROM operations WHERE finished_at IS NULL`);
  await until(60_000, 'all has ended', async () => (await open()).length === 0);
  expect(
    await asOf(`SELECT kind, status, failure_message FROM operations WHERE status <> 'succeeded'`),
  ).toEqual([]);

  const hostings = await asOf<{ status: string }>(`SELECT status FROM hostings`);
  expect(hostings.map(({ status }) => status).sort()).toEqual([
    'deleted',
    ...Array<string>(5).fill('running'),
    'sleeping',
  ]);
  // what was mended runs again; what was only looked at is told
  expect(world.host.domains.size).toBe(5);
  expect(
    await asOf(`SELECT differences FROM drift WHERE jsonb_array_length(to_jsonb(differences)) > 0`),
  ).toEqual([{ differences: ['libvirt_domain.vm: create'] }]);
});

it('an upgrade renames operations, including those that a process of the old version still accepts', async () => {
  const kinds = async (): Promise<string[]> =>
    (await asOf<{ kind: string }>(`SELECT DISTINCT kind FROM operations`)).map(({ kind }) => kind);
  expect(operationKinds).toEqual(expect.arrayContaining(await kinds()));
  for (const kind of ['check-drift', 'apply-stack', 'plan-hosting', 'plan-removal', 'plan-apply'])
    await asOf(
      `INSERT INTO operations (id, kind, stack_id, status) VALUES (gen_random_uuid(), '${kind}', gen_random_uuid(), 'succeeded')`,
    );
  expect(operationKinds).toEqual(expect.arrayContaining(await kinds()));
});
