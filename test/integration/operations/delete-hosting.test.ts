import { existsSync } from 'node:fs';
import path from 'node:path';
import { EngineError } from '../../../engine/base/errors';
import type { User } from '../../../engine/model/account';
import { openWorld, type World } from '../../worlds/world';
import { expireLeases, loseState } from '../../support/rows';

let world: World;
let user: User;
let stackId: string;
beforeEach(async () => {
  world = await openWorld();
  user = await world.newUser();
  stackId = (await world.engine.hostings.create(user, {})).hosting.id;
});
afterEach(() => world.close());

async function expectNothingLeft(): Promise<void> {
  expect(world.host.remains()).toEqual({ domains: [], volumes: [], routes: [] });
  for (const table of ['ssh_ports', 'address_leases', 'routes', 'stacks']) {
    expect([table, await world.parts.database.direct.query(`SELECT * FROM ${table}`)]).toEqual([table, []]);
  }
  await expect(world.engine.hostings.mine(user)).rejects.toMatchObject({ code: 'hosting_not_found' });
}

describe('delete-hosting', () => {
  it('a delete removes every trace', async () => {
    await world.work(stackId);
    const operation = await world.engine.hostings.delete(user);
    expect((await world.engine.hostings.mine(user)).status).toBe('deleting');
    await world.work(stackId);
    expect((await world.engine.operations.get(user, operation.id)).status).toBe('succeeded');
    await expectNothingLeft();
  });

  it('no route leads to a VM that is being destroyed, however long Nginx takes', async () => {
    await world.work(stackId);
    await world.engine.hostings.delete(user);
    world.host.faults.once('publish', () => new Promise((resolve) => setTimeout(resolve, 500)));
    let routes: unknown;
    world.host.faults.once('destroy', () => {
      routes = world.host.remains().routes;
    });
    await world.work(stackId);
    expect(routes).toEqual([]);
  });

  it('a frozen worker does not recreate the workspace after another one has removed everything', async () => {
    await world.work(stackId);
    await world.engine.hostings.delete(user);
    const now = performance.now.bind(performance);
    world.host.faults.once('synthesize', async () => {
      await expireLeases(world.parts.database.direct);
      await world.work(stackId);
      await expectNothingLeft();
      jest.spyOn(performance, 'now').mockImplementation(() => now() + 60_000);
    });
    await world.work(stackId).finally(() => jest.restoreAllMocks());
    expect(existsSync(path.join(world.config.workspacesDir, stackId))).toBe(false);
  });

  it('a second delete joins the one that is under way', async () => {
    await world.work(stackId);
    const first = await world.engine.hostings.delete(user);
    expect((await world.engine.hostings.delete(user)).id).toBe(first.id);
  });

  it('deletes that arrive together make one operation', async () => {
    await world.work(stackId);
    const asked = await Promise.all(Array.from({ length: 5 }, () => world.engine.hostings.delete(user)));
    expect(new Set(asked.map((operation) => operation.id)).size).toBe(1);
  });

  it('a delete cleans up after a stuck create', async () => {
    const gone = new EngineError('libvirt_unavailable', 'gone', { retryable: true });
    world.host.faults.fail('fetch', new EngineError('proxy_refused', 'planned failure'));
    world.host.faults.fail('inventory', gone, 99);
    await world.work(stackId);
    expect((await world.engine.hostings.mine(user)).status).toBe('creating');
    world.host.faults.clear();
    await world.engine.hostings.delete(user);
    await world.work(stackId);
    await expectNothingLeft();
    expect((await world.engine.hostings.get(user, stackId)).status).toBe('deleted');
    expect(
      await world.parts.database.direct.query(`SELECT 1 FROM operations WHERE status = 'stuck'`),
    ).toEqual([]);
  });

  it('a delete works without a workspace, from the sealed state alone', async () => {
    await world.work(stackId);
    await world.engine.hostings.delete(user);
    const { rmSync } = await import('node:fs');
    rmSync(world.config.workspacesDir, { recursive: true });
    await world.work(stackId);
    expect(world.host.faults.visited).toContain('destroy');
    await expectNothingLeft();
  });

  it('a delete removes from libvirt directly what Terraform can no longer plan', async () => {
    await world.work(stackId);
    await world.engine.hostings.delete(user);
    world.host.faults.fail('plan-destroy', new EngineError('plan_failed', 'volume not found'));
    await world.work(stackId);
    await expectNothingLeft();
  });

  it('a delete removes what no state lists', async () => {
    await world.work(stackId);
    await world.engine.hostings.delete(user);
    await loseState(world.parts.database.direct);
    const { rmSync } = await import('node:fs');
    rmSync(world.config.workspacesDir, { recursive: true });
    await world.work(stackId);
    await expectNothingLeft();
  });

  it('a delete cancels a waiting create and leaves nothing', async () => {
    await world.engine.hostings.delete(user);
    await world.work(stackId);
    expect(world.host.faults.visited).not.toContain('apply');
    await expectNothingLeft();
  });

  it('a delete cancels a running create and leaves nothing', async () => {
    world.host.faults.once('page', async (signal) => {
      await world.engine.hostings.delete(user);
      await new Promise((resolve) => setTimeout(resolve, 200));
      signal?.throwIfAborted();
    });
    await world.work(stackId);
    await expectNothingLeft();
    const kinds = (await world.parts.database.direct.query(
      `SELECT kind, status, failure_code FROM operations ORDER BY created_at`,
    )) as unknown;
    expect(kinds).toEqual([
      { kind: 'create-hosting', status: 'failed', failure_code: 'cancelled' },
      { kind: 'delete-hosting', status: 'succeeded', failure_code: null },
    ]);
  });

  it.each(['publish', 'destroy'])(
    'a delete whose %s does not succeed is stuck, keeps what it owns, and continues when asked again',
    async (fault) => {
      await world.work(stackId);
      const operation = await world.engine.hostings.delete(user);
      const gone = new EngineError('libvirt_unavailable', 'gone', { retryable: true });
      world.host.faults.fail(fault, gone, 99);
      world.host.faults.fail('inventory', gone, 99);
      await world.work(stackId);
      expect((await world.engine.operations.get(user, operation.id)).status).toBe('stuck');
      world.host.faults.clear();
      expect(await world.parts.database.direct.query(`SELECT port FROM ssh_ports`)).toHaveLength(1);
      const again = await world.engine.hostings.delete(user);
      expect(again.id).toBe(operation.id);
      await world.work(stackId);
      expect((await world.engine.operations.get(user, operation.id)).status).toBe('succeeded');
      await expectNothingLeft();
    },
  );
});
