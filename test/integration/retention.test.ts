/** Records go at their age and no earlier, with what belongs to them, whatever their number. */
import { randomUUID } from 'node:crypto';
import type { User } from '../../engine/model/account';
import { deleteOldRecords } from '../../engine/durable';
import { deleteRunsBeyond } from '../../engine/store/runs';
import { openWorld, type World } from '../worlds/world';
import {
  asIfFailed,
  asIfStuck,
  endedAgo,
  happenedAgo,
  loseReservations,
  startedAgoWithoutEnd,
} from '../support/rows';

let world: World;
let user: User;
beforeEach(async () => {
  world = await openWorld({ RUNS_KEEP_DAYS: '5', RECORDS_KEEP_DAYS: '10', AUDIT_KEEP_DAYS: '100' });
  user = await world.newUser();
});
afterEach(() => world.close());

const sql = <T = unknown>(text: string, values: unknown[] = []): Promise<T[]> =>
  world.parts.database.direct.query(text, values);
async function count(table: string): Promise<number> {
  const [row] = await sql<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
  return row!.n;
}
const counts = async (...tables: string[]): Promise<number[]> => Promise.all(tables.map(count));
const age = (table: string, column: string, days: number): Promise<void> =>
  happenedAgo(world.parts.database.direct, table, column, `${days} days`);
const clean = (): Promise<Record<string, number>> => deleteOldRecords(world.parts);

async function endedHosting(): Promise<string> {
  const { hosting } = await world.engine.hostings.create(user, { idempotencyKey: randomUUID() });
  await world.work(hosting.id);
  await world.engine.hostings.delete(user);
  await world.work(hosting.id);
  return hosting.id;
}

it('the cleanup of records keeps everything recent', async () => {
  await endedHosting();
  expect(await clean()).toEqual({});
});

it('the cleanup deletes an ended hosting with its operations, steps, events and runs, and leaves living ones', async () => {
  await endedHosting();
  for (const column of ['created_at', 'started_at', 'finished_at']) await age('operations', column, 11);
  await age('hostings', 'ended_at', 11);
  const { hosting } = await world.engine.hostings.create(user, { idempotencyKey: randomUUID() });
  await world.work(hosting.id);
  const before = await counts('operation_steps', 'operation_events', 'runs');
  expect(await clean()).toMatchObject({ operations: 2, 'ended hostings': 1 });
  expect(await counts('operations', 'hostings', 'idempotency_keys')).toEqual([1, 1, 1]);
  const after = await counts('operation_steps', 'operation_events', 'runs');
  after.forEach((left, index) => {
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(before[index]!);
  });
  expect((await world.engine.hostings.mine(user)).id).toBe(hosting.id);
});

it('the cleanup keeps stuck operations, and hostings that still hold something, however old', async () => {
  const id = await endedHosting();
  await age('hostings', 'ended_at', 11);
  const { direct } = world.parts.database;
  await endedAgo(direct, '365 days');
  await asIfStuck(direct, { kind: 'delete-hosting' });
  await sql(`INSERT INTO ssh_ports (port, hosting_id) VALUES (10000, $1)`, [id]);
  expect(await clean()).toMatchObject({ operations: 1 });
  expect(await counts('operations', 'hostings')).toEqual([1, 1]);
  await asIfFailed(direct);
  await endedAgo(direct, '365 days');
  expect(await clean()).toEqual({ operations: 1 });
  expect(await count('hostings')).toBe(1);
  await loseReservations(direct, 'ssh_ports');
  expect(await clean()).toEqual({ 'ended hostings': 1 });
});

it('the cleanup deletes runs by age, including unfinished ones, and beyond a number for each stack', async () => {
  const { hosting } = await world.engine.hostings.create(user, {});
  await world.work(hosting.id);
  const one = (): Promise<unknown> =>
    sql(`INSERT INTO runs (id, stack_id, kind, host) VALUES ($1, $2, 'plan', 'h')`, [
      randomUUID(),
      hosting.id,
    ]);
  await startedAgoWithoutEnd(world.parts.database.direct, '6 days');
  await one();
  expect(Object.keys(await clean())).toEqual(['runs']);
  expect(await count('runs')).toBe(1);
  for (let made = 0; made < 4; made += 1) await one();
  await deleteRunsBeyond(world.parts.database.direct, hosting.id, 3);
  expect(await count('runs')).toBe(3);
});

it('the cleanup deletes old audit records, and PostgreSQL refuses to delete any younger than 90 days', async () => {
  const insert = (days: number): Promise<unknown> =>
    sql(
      `INSERT INTO audit_log (at, actor, via, action, outcome) VALUES (now() - $1 * interval '1 day', 'a', 'none', 'x', 'done')`,
      [days],
    );
  for (const days of [120, 101, 95, 89]) await insert(days);
  expect(await clean()).toEqual({ 'audit records': 2 });
  await expect(sql(`DELETE FROM audit_log WHERE at < now() - interval '80 days'`)).rejects.toThrow(
    'append-only',
  );
  expect(await count('audit_log')).toBe(2);
});

it('the cleanup deletes in several batches, and leaves no lease of a stack that is gone', async () => {
  await sql(
    `INSERT INTO idempotency_keys (user_id, key, request_hash, created_at)
     SELECT $1, n::text, 'x', now() - interval '4 days' FROM generate_series(1, 2500) n`,
    [user.id],
  );
  expect(await clean()).toEqual({ 'idempotency keys': 2500 });
  await endedHosting();
  expect(await count('leases')).toBe(0);
});
