/** The pool and its claims on a real database with a fake host. */
import { EngineError } from '../../engine/base/errors';
import type { User } from '../../engine/model/account';
import { acceptSpare, hostings } from '../../engine/hostings';
import { metrics } from '../../engine/monitoring';
import { sweep } from '../../engine/sweep';
import { eject } from '../../engine/ejection';
import { selectHostings } from '../../engine/store/hostings';
import { dueForDriftCheck } from '../../engine/store/drift';
import { openPool, type Pool } from '../worlds/pool';
import { expectOwn, waitingSpare } from '../support/spare-scenarios';
import { tracesOf } from '../support/traces';
import type { World } from '../worlds/world';
import { acceptedAgo, asIfUnprepared, endedAgo, loseJobs, replaceBaseImage } from '../support/rows';

jest.setTimeout(60_000);

let pool: Pool;
let world: World;
afterEach(() => world.close());

async function open(settings: Record<string, string> = {}): Promise<void> {
  pool = await openPool({ WARM_POOL_SIZE: '2', ...settings });
  ({ world } = pool);
}
async function users(count: number): Promise<User[]> {
  const made: User[] = [];
  for (let index = 0; index < count; index++) made.push(await world.newUser());
  return made;
}

describe('the pool', () => {
  it('the pool fills to its size, stays there, and fills again after a claim', async () => {
    await open();
    await pool.look();
    await pool.look();
    expect(await pool.statuses()).toEqual(['warming', 'warming']);
    await pool.workAll();
    expect(await pool.statuses()).toEqual(['spare', 'spare']);
    await pool.look();
    expect(await pool.statuses()).toEqual(['spare', 'spare']);
    await world.engine.hostings.create(await world.newUser(), {});
    await pool.look();
    expect((await pool.statuses()).sort()).toEqual(['creating', 'spare']);
    await pool.workAll();
    await pool.look();
    expect((await pool.statuses()).sort()).toEqual(['running', 'spare', 'warming']);
  });

  it('the pool gets no spare too many when two workers look at once', async () => {
    await open();
    await Promise.all([pool.look(), pool.look(), pool.look()]);
    expect(await pool.statuses()).toEqual(['warming', 'warming']);
  });

  it('there is no pool by default, and libvirt is not asked', async () => {
    await open({ WARM_POOL_SIZE: '0' });
    world.host.faults.fail('inventory', new Error('asked'), 9);
    await pool.look();
    expect(await pool.statuses()).toEqual([]);
  });

  it('the pool waits for a prepared node', async () => {
    await open();
    await asIfUnprepared(pool);
    await pool.look();
    expect(await pool.statuses()).toEqual([]);
  });

  it('the pool removes all spares when its size becomes 0, including those being made', async () => {
    await open();
    const before = await tracesOf(world);
    await pool.fill();
    await world.engine.hostings.create(await world.newUser(), {});
    await pool.workAll();
    await pool.look();
    expect((await pool.statuses()).sort()).toEqual(['running', 'spare', 'warming']);
    Object.assign(world.config, { WARM_POOL_SIZE: 0 });
    await pool.look();
    await pool.workAll();
    expect(await pool.statuses()).toEqual(['running']);
    await world.engine.hostings.delete({ id: 1 } as User);
    await pool.workAll();
    expect(await tracesOf(world)).toEqual(before);
  });

  it.each<[string, () => Promise<void>]>([
    ['its VM does not run', () => Promise.resolve(world.host.domains.clear())],
    ['the node has another image by now', () => replaceBaseImage(pool)],
    ['hostings are larger by now', () => Promise.resolve(void Object.assign(world.config, { VM_VCPUS: 2 }))],
  ])('a spare is replaced when %s, and nobody gets it', async (_when, happen) => {
    await open({ WARM_POOL_SIZE: '1' });
    const [old] = await pool.fill();
    await happen();
    await pool.look();
    await pool.workAll();
    expect(await pool.query(`SELECT status FROM hostings WHERE id = '${old}'`)).toEqual([
      { status: 'deleted' },
    ]);
    const [next] = await pool.fill();
    expect(next).toBeDefined();
    expect((await world.engine.hostings.create(await world.newUser(), {})).hosting.id).toBe(next);
  });

  it('a spare of another size is not given away, even before the pool has looked', async () => {
    await open({ WARM_POOL_SIZE: '1' });
    const [old] = await pool.fill();
    Object.assign(world.config, { VM_MEMORY_MIB: 2048 });
    const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
    expect([hosting.id === old, hosting.memoryMiB]).toEqual([false, 2048]);
  });

  it('a spare from before a restore is neither given away nor removed: it may have an owner since the backup', async () => {
    await open({ WARM_POOL_SIZE: '1' });
    const [old] = await pool.fill();
    await pool.query(`INSERT INTO restores (backup_made_at) VALUES (now() - interval '1 h')`);
    const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
    expect(hosting.id).not.toBe(old);
    await pool.workAll();
    Object.assign(world.config, { VM_VCPUS: 2 });
    const [next, ...others] = (await pool.fill()).filter((id) => id !== old);
    expect([next === undefined, others]).toEqual([false, []]);
    expect(await pool.query(`SELECT status FROM hostings WHERE id = '${old}'`)).toEqual([
      { status: 'spare' },
    ]);
  });

  it('the pool grows with the creates of the last hour', async () => {
    await open({ WARM_POOL_SIZE: '0', WARM_POOL_MAX: '2' });
    for (const user of await users(3)) await world.engine.hostings.create(user, {});
    await pool.workAll();
    await pool.look();
    expect((await pool.statuses()).filter((status) => status === 'warming')).toHaveLength(2);
    await acceptedAgo(pool, '2 h');
    await pool.look();
    await pool.workAll();
    expect((await pool.statuses()).filter((status) => status !== 'running')).toEqual([]);
  });

  it('the pool pauses after a spare that could not be made', async () => {
    await open({ WARM_POOL_SIZE: '1' });
    world.host.faults.fail('apply', new EngineError('apply_failed', 'planned failure'));
    await pool.look();
    await pool.workAll();
    await pool.look();
    expect(await pool.statuses()).toEqual([]);
    await endedAgo(pool, '15 s');
    await pool.look();
    expect(await pool.statuses()).toEqual(['warming']);
  });

  it('a spare whose guest has no agent fails and says what is missing', async () => {
    await open({ WARM_POOL_SIZE: '1', BOOT_TIMEOUT_SECONDS: '2' });
    Object.assign(world.host.agent, {
      run: () => Promise.reject(new EngineError('guest_unreachable', 'no agent')),
    });
    await pool.look();
    await pool.workAll();
    const [operation] = await pool.query(
      `SELECT status, failure_message FROM operations WHERE kind = 'make-spare'`,
    );
    expect(operation).toMatchObject({
      status: 'failed',
      failure_message: expect.stringContaining('guest agent') as string,
    });
    expect(world.host.remains()).toMatchObject({ domains: [], volumes: [] });
  });
});

describe('a claim', () => {
  beforeEach(() => open());

  it('ten users at once get ten hostings, and each spare goes to one of them', async () => {
    const spares = await pool.fill();
    const everyone = await users(10);
    const accepted = await Promise.all(everyone.map((user) => world.engine.hostings.create(user, {})));
    const ids = accepted.map(({ hosting }) => hosting.id);
    expect(new Set(ids).size).toBe(10);
    expect(new Set(accepted.map(({ hosting }) => hosting.ip)).size).toBe(10);
    expect(ids.filter((id) => spares.includes(id)).sort()).toEqual([...spares].sort());
    await Promise.all(ids.map((id) => world.work(id)));
    for (const { hosting } of accepted) await expectOwn(world, hosting.id);
    expect(world.host.domains.size).toBe(10);
  });

  it('a claim does not wait behind boots: its job is in the quick lane, and that of its replacement is not', async () => {
    await pool.fill();
    await loseJobs(pool);
    const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
    await world.parts.database.transaction((tx) => acceptSpare(world.parts, tx, 'running'));
    const jobs = await pool.query<{ key: string; task: string }>(
      `SELECT key, task_identifier AS task FROM graphile_worker.jobs`,
    );
    expect(jobs.map(({ key, task }) => [key === hosting.id, task]).sort()).toEqual([
      [false, 'stack'],
      [true, 'quick-stack'],
    ]);
  });

  it('a user who asks several times at once claims one spare, and the other stays in the pool', async () => {
    await pool.fill();
    const user = await world.newUser();
    const answers = await Promise.allSettled([1, 2, 3].map(() => world.engine.hostings.create(user, {})));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'quota_exceeded' });
    expect((await pool.statuses()).sort()).toEqual(['creating', 'spare']);
  });

  it('a claim whose spare does not respond rebuilds it with the same id, address and port', async () => {
    const [first] = await pool.fill();
    world.host.faults.fail('agent', new EngineError('guest_unreachable', 'silent'));
    const { hosting, operation } = await world.engine.hostings.create(await world.newUser(), {});
    expect(hosting.id).toBe(first);
    await world.work(hosting.id);
    const [row] = await pool.query(
      `SELECT status, host(ip) AS ip, ssh_port FROM hostings WHERE id = '${first}'`,
    );
    expect(row).toEqual({ status: 'running', ip: hosting.ip, ssh_port: hosting.sshPort });
    expect(world.host.faults.visited).toContain('destroy');
    await expectOwn(world, hosting.id);
    const steps = await pool.query<{ name: string; status: string }>(
      `SELECT name, status FROM operation_steps WHERE operation_id = '${operation.id}' ORDER BY position`,
    );
    expect(steps.every(({ status }) => status === 'done')).toBe(true);
  });

  it('a claim waits for libvirt as a create does, and unwinds when it stays away', async () => {
    await pool.fill();
    const gone = new EngineError('libvirt_unavailable', 'gone', { retryable: true });
    world.host.faults.fail('agent', gone, 2);
    const user = await world.newUser();
    const { hosting } = await world.engine.hostings.create(user, {});
    await world.work(hosting.id);
    expect((await world.engine.hostings.mine(user)).status).toBe('running');
    world.host.faults.fail('agent', gone, 99);
    const other = await world.engine.hostings.create(await world.newUser(), {});
    await world.work(other.hosting.id);
    expect(await pool.query(`SELECT status FROM hostings WHERE id = '${other.hosting.id}'`)).toEqual([
      { status: 'failed' },
    ]);
    expect(world.host.domains.has(other.hosting.vmName)).toBe(false);
  });

  it('a claim opens no route while the guest still shows the host key that it had as a spare', async () => {
    const [first] = await pool.fill();
    const [{ ip }] = (await pool.query<{ ip: string }>(
      `SELECT host(ip) AS ip FROM hostings WHERE id = '${first}'`,
    )) as [{ ip: string }];
    const [old] = await world.host.guest.sshHostKeys(ip);
    const scan = world.host.guest.sshHostKeys.bind(world.host.guest);
    let looks = 0;
    Object.assign(world.host.guest, {
      sshHostKeys: (of: string) => (++looks < 4 ? Promise.resolve([old]) : scan(of)),
    });
    const user = await world.newUser();
    const { hosting } = await world.engine.hostings.create(user, {});
    await world.work(hosting.id);
    expect((await world.engine.hostings.mine(user)).knownHosts.join()).not.toContain(old);
    await expectOwn(world, hosting.id);
  });

  it('a claim that is deleted halfway leaves nothing, and nobody else gets the spare', async () => {
    const [first, second] = await pool.fill();
    const user = await world.newUser();
    await world.engine.hostings.create(user, {});
    world.host.faults.once('agent done', async (signal) => {
      await world.engine.hostings.delete(user);
      await new Promise((resolve) => setTimeout(resolve, 300));
      signal?.throwIfAborted();
    });
    await world.work(first!);
    expect(await pool.query(`SELECT id FROM hostings WHERE status NOT IN ('deleted', 'failed')`)).toEqual([
      { id: second },
    ]);
    expect([...world.host.domains.keys()]).toEqual([`vm-${second!.slice(0, 8)}`]);
  });

  it('a claim can be cancelled', async () => {
    await pool.fill();
    const user = await world.newUser();
    const { operation, hosting } = await world.engine.hostings.create(user, {});
    await world.engine.operations.cancel(user, operation.id);
    await world.work(hosting.id);
    expect(await world.engine.operations.get(user, operation.id)).toMatchObject({
      status: 'failed',
      failure: { code: 'cancelled' },
    });
    expect(world.host.domains.has(hosting.vmName)).toBe(false);
  });
});

describe('whoever looks at hostings', () => {
  beforeEach(async () => {
    await open({ WARM_POOL_SIZE: '1' });
    await waitingSpare(world);
  });

  it('the metrics count spares apart from hostings', async () => {
    const { spares, hostings: counted } = await metrics(world.parts).read();
    expect(spares).toEqual([
      { state: 'warming', count: 0 },
      { state: 'waiting', count: 1 },
      { state: 'saved', count: 0 },
      { state: 'removing', count: 0 },
    ]);
    expect(counted.every(({ count }) => count === 0)).toBe(true);
  });

  it('a sweep finds nothing wrong with a spare, and sees when it is off or half gone', async () => {
    await world.parts.routePublisher.publish();
    expect((await sweep(world.parts)).findings).toEqual([]);
    const [name] = [...world.host.domains.keys()];
    world.host.domains.set(name!, 'shut off');
    world.host.volumes.clear();
    expect((await sweep(world.parts)).findings.map(({ kind }) => kind).sort()).toEqual([
      'missing-iso',
      'missing-volume',
      'stopped-domain',
    ]);
  });

  it('a teardown of everything includes spares; one by user or label does not', async () => {
    const all = { names: [], labels: {}, olderThanSeconds: null };
    const found = await selectHostings(world.parts.database.direct, all);
    expect(found).toMatchObject([{ username: '-', status: 'spare' }]);
    for (const filter of [{ labels: { course: 'x' } }, { names: ['user-1-x'] }])
      expect(await selectHostings(world.parts.database.direct, { ...all, ...filter })).toEqual([]);
  });

  it('no user or administrator sees a spare, and nobody can eject one', async () => {
    const [spare] = await pool.query<{ id: string; vm_name: string }>(`SELECT id, vm_name FROM hostings`);
    const admin = { ...(await world.newUser()), role: 'admin' as const };
    await expect(hostings(world.parts).get(admin, spare!.id)).rejects.toMatchObject({
      code: 'hosting_not_found',
    });
    const target = { write: () => Promise.resolve(), discard: () => Promise.resolve() };
    const command = { who: 'operator tests', handover: new AbortController().signal };
    await expect(eject(world, command, spare!.vm_name, target)).rejects.toMatchObject({
      code: 'hosting_not_found',
    });
  });

  it('spares are not checked for drift', async () => {
    const due = await dueForDriftCheck(world.parts.database.direct, { olderThanSeconds: 0, limit: 9 });
    expect(due).toEqual([]);
  });
});
