/**
 * A node promises no more than it has: whatever would not fit is refused before anything of it exists, however many ask at
 * once.
 */
import type { NodeCapacity } from '../../engine/model/capacity';
import type { User } from '../../engine/model/account';
import { keepPool } from '../../engine/hostings';
import { acceptSleep } from '../../engine/sleep';
import { saveCapacity } from '../../engine/store/capacity';
import { openPool, type Pool } from '../worlds/pool';
import { openWorld, type World } from '../worlds/world';
import { changeSpec } from '../support/rows';

const GIB = 1024 ** 3;
/** Memory for five VMs of 1 GiB, and disk for many. */
const roomy: NodeCapacity = {
  memoryMiB: 5 * 1024 + 512,
  freeMiB: 100_000,
  pool: { bytes: 1000 * GIB, freeBytes: 900 * GIB },
};

let world: World;
let pool: Pool | null = null;
afterEach(async () => {
  pool = null;
  await world.close();
});

const measured = (capacity: Partial<NodeCapacity>): Promise<void> =>
  saveCapacity(world.parts.database.direct, world.config.NODE_NAME, { ...roomy, ...capacity });

async function users(count: number): Promise<User[]> {
  const made: User[] = [];
  for (let index = 0; index < count; index++) made.push(await world.newUser());
  return made;
}

/** How many got in, and what the others were told. */
async function allAtOnce(count: number): Promise<{ accepted: string[]; refused: unknown[] }> {
  const everyone = await users(count);
  const answers = await Promise.allSettled(everyone.map((user) => world.engine.hostings.create(user, {})));
  return {
    accepted: answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value.hosting.id] : [])),
    refused: answers.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : [])),
  };
}

const rows = async (table: string): Promise<number> => {
  const [row]: { n: number }[] = await world.parts.database.direct.query(
    `SELECT count(*)::int AS n FROM ${table}`,
  );
  return row?.n ?? -1;
};

it('of 40 creates at once, as many are accepted as there is memory for, and nothing of the others exists', async () => {
  world = await openWorld();
  await measured({});
  const { accepted, refused } = await allAtOnce(40);
  expect(accepted).toHaveLength(5);
  expect(refused).toHaveLength(35);
  for (const error of refused)
    expect(error).toMatchObject({ code: 'node_full', details: { short_of: 'memory' }, retryable: false });
  expect([await rows('hostings'), await rows('operations'), await rows('address_leases')]).toEqual([5, 5, 5]);
  // what was given back is there for the next one
  const [first = ''] = accepted;
  await Promise.all(accepted.map((id) => world.work(id)));
  await world.engine.hostings.remove('operator', first);
  expect((await allAtOnce(1)).accepted).toHaveLength(0);
  await world.work(first);
  expect((await allAtOnce(3)).accepted).toHaveLength(1);
}, 60_000);

it.each<[string, Partial<NodeCapacity>, number, string]>([
  ['disk, used or not', { pool: { bytes: 10 * GIB, freeBytes: 9 * GIB } }, 2, 'disk'],
  ['room in the pool', { pool: { bytes: 1000 * GIB, freeBytes: 2 * GIB - 1 } }, 0, 'disk'],
  ['memory that is free', { freeMiB: 3 * 1024 + 5 }, 3, 'memory'],
])('counts %s', async (_, capacity, fits, shortOf) => {
  world = await openWorld();
  await measured(capacity);
  const { accepted, refused } = await allAtOnce(6);
  expect(accepted).toHaveLength(fits);
  for (const error of refused) expect(error).toMatchObject({ details: { short_of: shortOf } });
});

it('a create is accepted before capacity is measured; the worker checks again and leaves nothing behind when it refuses', async () => {
  world = await openWorld();
  const { accepted } = await allAtOnce(1);
  world.host.node.state = { poolFreeBytes: 1024 };
  await world.work(accepted[0]!);
  const [operation]: { status: string; failure_code: string }[] = await world.parts.database.direct.query(
    `SELECT status, failure_code FROM operations`,
  );
  expect(operation).toEqual({ status: 'failed', failure_code: 'node_full' });
  expect(world.host.remains()).toEqual({ domains: [], volumes: [], routes: [] });
});

it('only as many VMs wake as there is memory for, and sleeping ones take up none', async () => {
  world = await openWorld();
  await measured({ memoryMiB: 2 * 1024 + 512 });
  const everyone = await users(3);
  const ids: string[] = [];
  for (const user of everyone) {
    const { hosting } = await world.engine.hostings.create(user, {});
    await world.work(hosting.id);
    await world.parts.database.transaction((tx) => acceptSleep(world.parts, tx, hosting.id, { force: true }));
    await world.work(hosting.id);
    ids.push(hosting.id);
  }
  const woken = await Promise.allSettled(everyone.map((user) => world.engine.sleep.wake(user)));
  expect(woken.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  expect(woken.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'node_full' } });
  await Promise.all(ids.map((id) => world.work(id)));
  expect([...world.host.domains.values()].sort()).toEqual(['running', 'running', 'saved']);
});

it('the pool makes as many spares as fit and reports no failure about the rest; a saved one is claimed if there is memory', async () => {
  pool = await openPool({ WARM_POOL_SIZE: '4', WARM_POOL_SAVED: '1' });
  ({ world } = pool);
  await measured({ memoryMiB: 3 * 1024 + 512 });
  await keepPool(world.parts, 'trust');
  await pool.workAll();
  expect(await pool.statuses()).toEqual(['spare', 'spare', 'spare']);
  await keepPool(world.parts, 'trust');
  expect(await pool.statuses()).toHaveLength(3);
  // one that runs has its memory; what nobody waits for any more makes no room by itself
  expect((await allAtOnce(1)).accepted).toHaveLength(1);
});

it('a saved spare is not claimed when there is no memory to wake it in, and stays saved', async () => {
  pool = await openPool({ WARM_POOL_SIZE: '0', WARM_POOL_SAVED: '1' });
  ({ world } = pool);
  await keepPool(world.parts, 'trust');
  await pool.workAll();
  await measured({ memoryMiB: 600 });
  expect((await allAtOnce(2)).refused).toEqual([
    expect.objectContaining({ code: 'node_full' }),
    expect.objectContaining({ code: 'node_full' }),
  ]);
  expect(await pool.statuses()).toEqual(['saved']);
});

it('a claimed spare keeps the limits that it was made with, whatever new ones get by now', async () => {
  pool = await openPool({ WARM_POOL_SIZE: '1' });
  ({ world } = pool);
  const [id = ''] = await pool.fill();
  await changeSpec(pool, id, '{limits}', '{"diskIops": 77}');
  const [user] = await users(1);
  await world.engine.hostings.create(user!, {});
  await world.work(id);
  const [{ spec }] = (await pool.query(`SELECT spec FROM stacks WHERE id = '${id}'`)) as [
    { spec: { limits: unknown; cloudInit: { userData: string } } },
  ];
  expect(spec.limits).toEqual({ diskIops: 77 });
  expect(spec.cloudInit.userData).toContain(user!.username);
});
