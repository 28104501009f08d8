import { rm } from 'node:fs/promises';
import path from 'node:path';
import { existsSync } from 'node:fs';
import { EngineError } from '../../../engine/base/errors';
import { acceptLook, planApply, plans } from '../../../engine/plans';
import { insertOperation, stepsOf } from '../../../engine/store/operations';
import { openWorld, type World } from '../../worlds/world';
import { loseSpec, numberState, sealWithUnknownKey } from '../../support/rows';

let world: World;
let stackId: string;
beforeEach(async () => {
  world = await openWorld();
  const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
  stackId = hosting.id;
  await world.work(stackId);
  world.host.faults.visited.length = 0;
});
afterEach(() => world.close());

/** @returns how it ended, and what it found */
async function check(): Promise<{ status: string; failure: string | null; found: unknown }> {
  const id = await accept();
  await world.work(stackId);
  return ended(id);
}

async function accept(): Promise<string> {
  const { kind, steps } = planApply;
  const input = { by: 'a test' };
  return (await insertOperation(world.parts.database.direct, { kind, stackId, steps, input })).id;
}

async function ended(id: string): Promise<{ status: string; failure: string | null; found: unknown }> {
  const { direct } = world.parts.database;
  const [row] = (await direct.query(`SELECT status, failure_code AS failure FROM operations WHERE id = $1`, [
    id,
  ])) as { status: string; failure: string | null }[];
  const found = (await stepsOf(direct, id)).find(({ name }) => name === 'record')?.output;
  return { status: row?.status ?? '', failure: row?.failure ?? null, found };
}

async function rows(): Promise<unknown> {
  const { direct } = world.parts.database;
  return [await direct.query(`SELECT * FROM stacks`), await direct.query(`SELECT * FROM hostings`)];
}

const none = { status: 'succeeded', failure: null, found: { changes: false, differences: [], news: false } };

/** Rows of every table that a look writes to. */
async function records(): Promise<number[]> {
  const { direct } = world.parts.database;
  const tables = [
    'operations',
    'operation_steps',
    'operation_events',
    'runs',
    'audit_log',
    'drift',
    'leases',
  ];
  const counts = tables.map(async (table) => {
    const [row] = (await direct.query(`SELECT count(*)::int AS n FROM ${table}`)) as [{ n: number }];
    return row.n;
  });
  return Promise.all(counts);
}

describe('a look whose turn it was', () => {
  const look = async (): Promise<string> => {
    const { id } = await world.parts.database.transaction((tx) => acceptLook(world.parts, tx, stackId));
    await world.work(stackId);
    return id;
  };
  const lookedAt = async (): Promise<Date | null> =>
    (await world.engine.hostings.list({ names: [], labels: {}, olderThanSeconds: null }, { limit: 1 }))[0]!
      .drift.checkedAt;

  it('a scheduled drift check that finds nothing new leaves only its time', async () => {
    await look();
    const before = await records();
    const first = await lookedAt();
    expect(first).not.toBeNull();
    for (let count = 0; count < 3; count += 1) await look();
    expect(await records()).toEqual(before);
    expect((await lookedAt())!.getTime()).toBeGreaterThan(first!.getTime());
    const [domain = ''] = world.host.domains.keys();
    world.host.domains.delete(domain);
    const found = await ended(await look());
    expect(found).toMatchObject({ status: 'succeeded', found: { changes: true, news: true } });
    const after = await records();
    await look();
    expect(await records()).toEqual(after);
  });

  it('a scheduled drift check is kept, and belongs to the user who asked for one while it waited', async () => {
    await look();
    const waiting = await world.parts.database.transaction((tx) => acceptLook(world.parts, tx, stackId));
    const joined = await plans(world.parts).request('operator', stackId);
    expect(joined.id).toBe(waiting.id);
    expect(await world.parts.database.direct.query(`SELECT priority FROM graphile_worker.jobs`)).toEqual(
      expect.arrayContaining([{ priority: 0 }]),
    );
    await world.work(stackId);
    expect(await ended(waiting.id)).toEqual({ ...none });
    expect(await plans(world.parts).of(joined)).toMatchObject({ differences: [] });
  });

  it('a scheduled drift check that fails is kept', async () => {
    world.host.faults.fail('plan', new EngineError('plan_refused', 'planned failure'));
    expect(await ended(await look())).toMatchObject({ status: 'failed', failure: 'plan_refused' });
  });
});

describe('plan-apply', () => {
  it('a drift check finds nothing in an unchanged stack and changes nothing', async () => {
    const before = [await rows(), world.host.remains()];
    expect(await check()).toEqual(none);
    expect([await rows(), world.host.remains()]).toEqual(before);
  });

  it('a drift check reports what is missing and does not make it', async () => {
    const [domain = ''] = world.host.domains.keys();
    world.host.domains.delete(domain);
    const before = [await rows(), world.host.remains()];
    expect(await check()).toEqual({
      ...none,
      found: { changes: true, differences: ['libvirt_domain.vm: create'], news: true },
    });
    expect([await rows(), world.host.remains()]).toEqual(before);
    expect(world.host.faults.visited).not.toContain('apply');
  });

  it('a drift check needs no workspace: it restores it from the database', async () => {
    await rm(world.config.workspacesDir, { recursive: true });
    expect(await check()).toEqual(none);
    expect(existsSync(path.join(world.config.workspacesDir, stackId, 'terraform.tfstate'))).toBe(true);
  });

  it('a drift check keeps a state on disk that is newer than the sealed one', async () => {
    const [domain = ''] = world.host.domains.keys();
    world.host.domains.delete(domain);
    await numberState(world.parts.database.direct, 1);
    await sealWithUnknownKey(world.parts.database.direct);
    expect(await check()).toMatchObject({ status: 'succeeded', found: { changes: true } });
  });

  it.each(['synthesize', 'init', 'plan'])('a drift check leaves no trace when %s fails', async (fault) => {
    const before = [await rows(), world.host.remains()];
    world.host.faults.fail(fault, new EngineError('plan_refused', 'planned failure'));
    expect(await check()).toEqual({ status: 'failed', failure: 'plan_refused', found: null });
    expect([await rows(), world.host.remains()]).toEqual(before);
  });

  it('a drift check of a stack that was never made fails', async () => {
    await loseSpec(world.parts.database.direct);
    expect(await check()).toMatchObject({ status: 'failed', failure: 'not_found' });
  });

  it('a drift check says so when the state was sealed with another key', async () => {
    await rm(world.config.workspacesDir, { recursive: true });
    await sealWithUnknownKey(world.parts.database.direct);
    expect(await check()).toMatchObject({ status: 'failed', failure: 'config_invalid' });
  });

  it.each(['synthesize', 'init', 'plan', 'show'])(
    'a drift check continues after a worker died in %s, on a machine without a workspace',
    async (fault) => {
      const [domain = ''] = world.host.domains.keys();
      world.host.domains.delete(domain);
      const id = await accept();
      const dies = new AbortController();
      world.host.faults.once(fault, (signal) => {
        dies.abort(new Error('this worker is stopping'));
        signal?.throwIfAborted();
      });
      await world.runner.perform(stackId, dies.signal);
      // a fault without a signal lets the step end, and the next one notices
      expect((await ended(id)).status).toBe('running');
      await rm(world.config.workspacesDir, { recursive: true, force: true });
      await world.work(stackId);
      expect(await ended(id)).toMatchObject({ status: 'succeeded', found: { changes: true } });
    },
  );

  it('a drift check waits for what was accepted before it', async () => {
    const { direct } = world.parts.database;
    const [hosting] = (await direct.query(`SELECT user_id FROM hostings`)) as { user_id: number }[];
    const user = { id: hosting!.user_id } as never;
    await world.engine.hostings.delete(user);
    const id = await accept();
    await world.work(stackId);
    expect(await ended(id)).toMatchObject({ status: 'failed', failure: 'not_found' });
    expect(world.host.remains()).toEqual({ domains: [], volumes: [], routes: [] });
  });
});
