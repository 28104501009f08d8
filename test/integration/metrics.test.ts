import { operationKinds } from '../../engine/model/operation';
import { metrics } from '../../engine/monitoring';
import { findingKinds } from '../../engine/sweep';
import { openWorld, type World } from '../worlds/world';
import { acceptedAgo, asIfStuck } from '../support/rows';

let world: World;
beforeEach(async () => {
  world = await openWorld({ SSH_PORT_MIN: '10000', SSH_PORT_MAX: '10099' });
});
afterEach(() => world.close());

const read = () => metrics(world.parts).read();
const sql = (text: string): Promise<unknown> => world.parts.database.direct.query(text);

it('the metrics name every kind and status, with 0 if there is none, and no sweep before the first one', async () => {
  const { operations, oldestOperations, hostings, sweep, sshPorts } = await read();
  expect(operations).toHaveLength(operationKinds.length * 4);
  expect(new Set(operations.map(({ count }) => count))).toEqual(new Set([0]));
  expect(oldestOperations).toEqual(
    ['pending', 'running', 'unwinding', 'stuck'].map((status) => ({ status, seconds: 0 })),
  );
  expect(hostings).toEqual(
    ['creating', 'running', 'sleeping', 'stopped', 'deleting'].map((status) => ({ status, count: 0 })),
  );
  expect(sweep).toBeNull();
  expect(sshPorts).toEqual({ used: 0, total: 100 });
});

it('the metrics count unfinished and stuck operations, and the age of the oldest', async () => {
  const accepted = [];
  for (let count = 0; count < 3; count++)
    accepted.push(await world.engine.hostings.create(await world.newUser(), {}));
  await world.work(accepted[0]!.hosting.id);
  const [, stuck, pending] = accepted.map(({ operation }) => operation.id);
  const { direct } = world.parts.database;
  await asIfStuck(direct, { id: stuck! });
  await acceptedAgo(direct, '90 s', { id: stuck! });
  await acceptedAgo(direct, '10 s', { id: pending! });
  const { operations, oldestOperations, hostings, sshPorts } = await read();
  expect(operations.filter(({ count }) => count > 0)).toEqual([
    { kind: 'create-hosting', status: 'pending', count: 1 },
    { kind: 'create-hosting', status: 'stuck', count: 1 },
  ]);
  const seconds = Object.fromEntries(oldestOperations.map((each) => [each.status, Math.floor(each.seconds)]));
  expect(seconds).toMatchObject({ running: 0, unwinding: 0 });
  expect(seconds.pending).toBeGreaterThanOrEqual(10);
  expect(seconds.pending).toBeLessThan(60);
  expect(seconds.stuck).toBeGreaterThanOrEqual(90);
  expect(hostings.filter(({ count }) => count > 0)).toEqual([
    { status: 'creating', count: 2 },
    { status: 'running', count: 1 },
  ]);
  expect(sshPorts).toEqual({ used: 3, total: 100 });
});

it('the metrics show what the newest sweep found by kind, and its age', async () => {
  const found = JSON.stringify([
    { kind: 'orphan-domain', subject: 'vm-1a2b3c4d' },
    { kind: 'orphan-domain', subject: 'vm-2a2b3c4d' },
    { kind: 'of-another-version' },
  ]);
  await sql(
    `INSERT INTO sweeps (at, ms, findings) VALUES (now() - interval '2 h', 5, '[{"kind": "drift"}]')`,
  );
  await sql(`INSERT INTO sweeps (at, ms, findings) VALUES (now() - interval '61 s', 5, '${found}')`);
  const { sweep } = await read();
  expect(Math.floor(sweep!.ageSeconds)).toBe(61);
  expect(sweep!.findings).toHaveLength(Object.keys(findingKinds).length + 1);
  expect(sweep!.findings.filter(({ count }) => count > 0)).toEqual([
    { kind: 'orphan-domain', count: 2 },
    { kind: 'of-another-version', count: 1 },
  ]);
  await sql(`INSERT INTO sweeps (ms, findings) VALUES (5, '[]')`);
  expect((await read()).sweep!.findings.filter(({ count }) => count > 0)).toEqual([]);
});

it.each([
  [
    'the metrics',
    `SELECT count(*) FROM operations WHERE status IN ('pending', 'running', 'unwinding', 'stuck')`,
    'operations_open',
  ],
  [
    'the list of the stuck ones',
    `SELECT * FROM operations WHERE status = 'stuck' ORDER BY created_at DESC, id LIMIT 50`,
    'operations_open',
  ],
  ['the list of all', `SELECT * FROM operations ORDER BY created_at DESC, id LIMIT 50`, 'operations_newest'],
])('an index spares %s the whole history', async (_, query, index) => {
  const plan = await world.parts.database.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO operations (id, kind, stack_id, status)
       SELECT gen_random_uuid(), 'plan-apply', gen_random_uuid(), 'succeeded' FROM generate_series(1, 5000)`,
    );
    await tx.query('ANALYZE operations');
    return tx.query(`EXPLAIN ${query}`);
  });
  expect(JSON.stringify(plan)).toContain(index);
});
