/** Spares of the second tier on a real database with a fake host: saved to the disk, woken for whoever claims them. */
import { EngineError } from '../../engine/base/errors';
import { metrics } from '../../engine/monitoring';
import { sweep } from '../../engine/sweep';
import { openPool, type Pool } from '../worlds/pool';
import { expectOwn } from '../support/spare-scenarios';
import { tracesOf } from '../support/traces';
import type { World } from '../worlds/world';

jest.setTimeout(60_000);

let pool: Pool;
let world: World;
afterEach(() => world.close());

async function open(settings: Record<string, string>): Promise<void> {
  pool = await openPool(settings);
  ({ world } = pool);
}
const saved = () =>
  pool.query<{ id: string }>(`SELECT id FROM hostings WHERE status = 'saved' ORDER BY ready_at`);

it('a saved spare is made like any other, then saved, and waits without using memory', async () => {
  await open({ WARM_POOL_SIZE: '1', WARM_POOL_SAVED: '2' });
  await pool.fill();
  expect((await pool.statuses()).sort()).toEqual(['saved', 'saved', 'spare']);
  expect([...world.host.domains.values()].sort()).toEqual(['running', 'saved', 'saved']);
  await pool.look();
  expect(await pool.query(`SELECT 1 FROM operations WHERE status IN ('pending', 'running')`)).toEqual([]);
});

it('a saved spare is claimed if no other waits, and becomes its user’s like a running one: woken, with the right time', async () => {
  await open({ WARM_POOL_SIZE: '1', WARM_POOL_SAVED: '1' });
  const [first] = await pool.fill();
  const [second] = await saved();
  const one = await world.newUser();
  const other = await world.newUser();
  expect((await world.engine.hostings.create(one, {})).hosting.id).toBe(first);
  const { hosting, operation } = await world.engine.hostings.create(other, {});
  expect(hosting.id).toBe(second!.id);
  expect(operation.kind).toBe('claim-spare');
  await pool.workAll();
  expect(world.host.restored).toEqual([hosting.vmName]);
  expect(world.host.clocks.has(hosting.vmName)).toBe(true);
  expect((await world.engine.hostings.mine(other)).status).toBe('running');
  await expectOwn(world, hosting.id);
  await expectOwn(world, first!);
});

it('a saved spare does not wake if the machine has no memory for it, and the failure says so', async () => {
  await open({ WARM_POOL_SIZE: '0', WARM_POOL_SAVED: '1' });
  await pool.fill();
  world.host.freeMiB = 10;
  const user = await world.newUser();
  const { operation, hosting } = await world.engine.hostings.create(user, {});
  await world.work(hosting.id);
  expect(await world.engine.operations.get(user, operation.id)).toMatchObject({
    status: 'failed',
    failure: { code: 'memory_exhausted' },
  });
  expect(world.host.domains.has(hosting.vmName)).toBe(false);
});

it('a saved spare whose memory cannot be read is rebuilt under the same name and address', async () => {
  await open({ WARM_POOL_SIZE: '0', WARM_POOL_SAVED: '1' });
  await pool.fill();
  world.host.faults.fail('start', new EngineError('libvirt_unavailable', 'no such processor'));
  const user = await world.newUser();
  const { hosting } = await world.engine.hostings.create(user, {});
  await world.work(hosting.id);
  expect((await world.engine.hostings.mine(user)).status).toBe('running');
  expect(world.host.restored).toEqual([]);
  await expectOwn(world, hosting.id);
});

it.each(['running', 'shut off'])('a saved spare is replaced when its VM is %s', async (state) => {
  await open({ WARM_POOL_SIZE: '0', WARM_POOL_SAVED: '1' });
  await pool.fill();
  const [old] = await saved();
  for (const name of world.host.domains.keys()) world.host.domains.set(name, state);
  await pool.look();
  await pool.workAll();
  expect(await pool.query(`SELECT status FROM hostings WHERE id = '${old!.id}'`)).toEqual([
    { status: 'deleted' },
  ]);
  await pool.fill();
  expect(await pool.statuses()).toEqual(['saved']);
});

it('a saved spare is in order for a sweep, and is removed without a trace when the size becomes 0', async () => {
  await open({ WARM_POOL_SIZE: '0', WARM_POOL_SAVED: '1' });
  const before = await tracesOf(world);
  await pool.fill();
  await world.parts.routePublisher.publish();
  expect((await sweep(world.parts)).findings).toEqual([]);
  expect((await metrics(world.parts).read()).spares).toContainEqual({ state: 'saved', count: 1 });
  Object.assign(world.config, { WARM_POOL_SAVED: 0 });
  await pool.look();
  await pool.workAll();
  expect(await tracesOf(world)).toEqual(before);
});
