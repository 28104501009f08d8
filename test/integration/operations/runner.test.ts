import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { EngineError } from '../../../engine/base/errors';
import { type Step as AnyStep, type StepContext, wakeAbandoned } from '../../../engine/durable';
import { type Definition, operation, type Ports, steps } from '../../../engine/stack';
import { acceptLook } from '../../../engine/plans';
import { abandonedStacks, moveOperation } from '../../../engine/store/operations';
import { claimLease, fenced, releaseLease, renewLease } from '../../../engine/store/leases';
import type { User } from '../../../engine/model/account';
import { diesBefore, failsBefore, type Fault, withRun, withUndo, workWith } from '../../support/faulty-steps';
import { openWorld, type World } from '../../worlds/world';
import {
  acceptedAgo,
  asIfHostingWas,
  asIfJobsWere,
  expireLeases,
  giveTurn,
  loseJobs,
  loseLease,
} from '../../support/rows';
import { definitionOf } from '../../support/definitions';

type Step = AnyStep<Ports>;

const createHosting = definitionOf('create-hosting');

const admin = { id: -1, role: 'admin' } as User;

let world: World;
let user: User;
beforeEach(async () => {
  world = await openWorld();
  user = await world.newUser();
});
afterEach(() => world.close());

describe('leases', () => {
  it('a lease has one owner at a time, and its token grows with each claim', async () => {
    const { direct } = world.parts.database;
    const stackId = randomUUID();
    const first = await claimLease(direct, stackId, 'a', 30_000);
    expect(await claimLease(direct, stackId, 'b', 30_000)).toBeNull();
    await releaseLease(direct, first!);
    const second = await claimLease(direct, stackId, 'b', 30_000);
    expect(Number(second!.token)).toBeGreaterThan(Number(first!.token));
    expect(await renewLease(direct, first!, 30_000)).toBe(false);
    expect(await renewLease(direct, second!, 30_000)).toBe(true);
  });

  it('a write under an older lease token is refused', async () => {
    const stackId = randomUUID();
    const stale = await claimLease(world.parts.database.direct, stackId, 'a', 0);
    await claimLease(world.parts.database.direct, stackId, 'b', 30_000);
    const write = jest.fn();
    await expect(fenced(world.parts.database, stale!, write)).rejects.toMatchObject({ code: 'lease_lost' });
    expect(write).not.toHaveBeenCalled();
  });

  it('one of many concurrent claims gets the lease', async () => {
    const stackId = randomUUID();
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        claimLease(world.parts.database.direct, stackId, `w${index}`, 30_000),
      ),
    );
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
  });
});

describe('the runner', () => {
  it('the runner leaves a stack alone that another worker holds', async () => {
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    await claimLease(world.parts.database.direct, hosting.id, 'another worker', 30_000);
    await world.work(hosting.id);
    expect((await world.engine.operations.get(user, operation.id)).status).toBe('pending');
  });

  it.each(['made libvirt_volume', 'made libvirt_cloudinit_disk', 'made libvirt_domain'])(
    'resumes a create whose worker died in its apply, after %s and before that was written down',
    async (point) => {
      const { hosting, operation } = await world.engine.hostings.create(user, {});
      world.host.faults.once(point, async () => {
        await loseLease(world.parts.database.direct, hosting.id);
        throw new EngineError('lease_lost', 'planned death');
      });
      await world.work(hosting.id);
      expect((await world.engine.operations.get(user, operation.id)).status).toBe('running');
      await expireLeases(world.parts.database.direct);
      await world.work(hosting.id);
      expect((await world.engine.operations.get(user, operation.id)).status).toBe('succeeded');
      expect([...world.host.domains.keys()]).toEqual([hosting.vmName]);
      expect(world.host.volumes.size).toBe(2);
      // never the disk of a boot that was cut short
      expect(world.host.faults.visited.filter((each) => each === 'made libvirt_volume')).toHaveLength(2);
    },
  );

  it('a worker that lost its lease can write nothing more', async () => {
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    world.host.faults.once('made libvirt_domain', () => loseLease(world.parts.database.direct, hosting.id));
    await world.work(hosting.id);
    const seen = await world.engine.operations.get(user, operation.id);
    expect(seen.steps.find((step) => step.name === 'apply')?.status).toBe('running');
    const [lease] = (await world.parts.database.direct.query(`SELECT owner FROM leases`)) as {
      owner: string;
    }[];
    expect(lease?.owner).toBe('another worker');
  });

  it('a worker that is told to stop hands over at once, and the next one finishes', async () => {
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    const handover = new AbortController();
    world.host.faults.once('page', (signal) => {
      handover.abort();
      signal?.throwIfAborted();
    });
    await world.runner.perform(hosting.id, handover.signal);
    expect((await world.engine.operations.get(user, operation.id)).status).toBe('running');
    await world.work(hosting.id);
    expect((await world.engine.operations.get(user, operation.id)).status).toBe('succeeded');
  });

  it('a worker that is told to stop while it claims the lease hands over', async () => {
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    const handover = new AbortController();
    const working = world.runner.perform(hosting.id, handover.signal);
    handover.abort();
    await working;
    expect((await world.engine.operations.get(user, operation.id)).finishedAt).toBeNull();
    await world.work(hosting.id);
    expect((await world.engine.operations.get(user, operation.id)).status).toBe('succeeded');
  });

  it('a step reports how often it was tried, and its time counts from the first try', async () => {
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    let firstEnd = new Date();
    const slow: Fault = (act) => async (context) => {
      await act(context);
      if (context.resumed) return;
      firstEnd = new Date();
      throw new EngineError('libvirt_unavailable', 'planned failure', { retryable: true });
    };
    await workWith(world, hosting.id, withRun(createHosting, 'check', slow));
    const { steps } = await world.engine.operations.get(user, operation.id);
    expect(steps.map(({ name, tries }) => `${name} ${tries}`).slice(0, 5)).toEqual([
      ...['reserve 0', 'synthesize 1', 'init 1', 'plan 1', 'check 2'],
    ]);
    const check = steps.find(({ name }) => name === 'check');
    expect(check?.startedAt?.getTime()).toBeLessThanOrEqual(firstEnd.getTime());
    expect(check?.finishedAt?.getTime()).toBeGreaterThanOrEqual(firstEnd.getTime());
  });

  it('operations without a worker are found', async () => {
    const { hosting } = await world.engine.hostings.create(user, {});
    const { direct } = world.parts.database;
    const found = (): Promise<string[]> => abandonedStacks(direct, 10);
    await acceptedAgo(direct, '1 h');
    // however long it waits, its job is there
    expect(await found()).toEqual([]);
    await asIfJobsWere(direct, 'taken');
    expect(await found()).toEqual([]);
    await asIfJobsWere(direct, 'taken a minute ago');
    expect(await found()).toEqual([hosting.id]);
    await asIfJobsWere(direct, 'due in an hour, after nine attempts');
    expect(await found()).toEqual([hosting.id]);
    await asIfJobsWere(direct, 'given up');
    expect(await found()).toEqual([hosting.id]);
    await loseJobs(direct);
    expect(await found()).toEqual([hosting.id]);
    await claimLease(direct, hosting.id, 'w', 30_000);
    expect(await found()).toEqual([]);
  });

  it('a worker is woken for an operation that lost its job, in the same lane and turn; those that wait are left alone', async () => {
    const { direct } = world.parts.database;
    const jobs = (): Promise<unknown> =>
      direct.query(
        `SELECT key AS stack, task_identifier AS task, priority, revision FROM graphile_worker.jobs ORDER BY priority`,
      );
    const { hosting } = await world.engine.hostings.create(user, {});
    await world.work(hosting.id);
    await loseJobs(direct);
    await asIfHostingWas(direct, 'sleeping');
    await world.engine.sleep.wake(user);
    const { hosting: other } = await world.engine.hostings.create(await world.newUser(), {});
    await acceptedAgo(direct, '1 h', { status: 'pending' });
    await giveTurn(direct, 7, { status: 'pending' });
    await loseJobs(direct, hosting.id);
    expect(await wakeAbandoned(world.parts)).toEqual([hosting.id]);
    const both = [
      { stack: other.id, task: 'stack', priority: 0, revision: 0 },
      { stack: hosting.id, task: 'quick-stack', priority: 7, revision: 0 },
    ];
    expect(await jobs()).toEqual(both);
    expect(await wakeAbandoned(world.parts)).toEqual([]);
    expect(await jobs()).toEqual(both);
  });

  it('a waiting drift check does not hold later operations on its stack in the background', async () => {
    const { direct } = world.parts.database;
    const { hosting } = await world.engine.hostings.create(user, {});
    await world.work(hosting.id);
    await loseJobs(direct);
    const job = (): Promise<unknown> =>
      direct.query(`SELECT task_identifier AS task, priority FROM graphile_worker.jobs`);
    await direct.transaction((tx) => acceptLook(world.parts, tx, hosting.id));
    expect(await job()).toEqual([{ task: 'stack', priority: 100 }]);
    await world.engine.hostings.delete(user);
    expect(await job()).toEqual([{ task: 'stack', priority: 0 }]);
  });

  it('an operation without a way back cannot be cancelled', async () => {
    const { hosting } = await world.engine.hostings.create(user, {});
    await world.work(hosting.id);
    const removal = await world.engine.hostings.delete(user);
    await expect(world.engine.operations.cancel(user, removal.id)).rejects.toMatchObject({
      code: 'not_cancellable',
    });
    await world.work(hosting.id);
    expect((await world.engine.operations.get(user, removal.id)).status).toBe('succeeded');
  });

  describe('takes the steps of its own version where another one began', () => {
    let ran: string[];
    beforeEach(() => {
      ran = [];
    });
    const watched = (steps: readonly Step[]): Definition => ({
      ...createHosting,
      steps: steps.map((step) => ({
        ...step,
        ...(step.run && {
          run: (context: StepContext<Ports>) => {
            ran.push(context.resumed ? `${step.name} again` : step.name);
            return step.run?.(context) ?? Promise.resolve();
          },
        }),
        ...(step.undo && {
          undo: async (context: StepContext<Ports>) => {
            ran.push(`undo ${step.name}`);
            await step.undo?.(context);
          },
        }),
      })),
    });
    const extra: Step = { name: 'extra', run: () => Promise.resolve() };
    const { steps } = createHosting;
    const withExtraAt = (position: number): Step[] => [
      ...steps.slice(0, position),
      extra,
      ...steps.slice(position),
    ];
    const last = ['apply', 'boot', 'route', 'ssh', 'ready'];

    it.each<[string, before: Step[], after: Step[], expected: string[]]>([
      ['a step more', [...steps], withExtraAt(2), ['extra', 'init again', 'plan again', 'check', ...last]],
      ['a step more behind', [...steps], withExtraAt(5), ['plan again', 'check', 'extra', ...last]],
      ['a step less', withExtraAt(2), [...steps], ['plan again', 'check', ...last]],
      ['another order', withExtraAt(2), withExtraAt(4), ['plan again', 'extra again', 'check', ...last]],
    ])('%s', async (_, before, after, expected) => {
      const { hosting, operation } = await world.engine.hostings.create(user, {});
      const dying = withRun({ ...createHosting, steps: before }, 'plan', diesBefore(world));
      await workWith(world, hosting.id, dying);
      await expireLeases(world.parts.database.direct);
      await workWith(world, hosting.id, watched(after));
      expect(ran).toEqual(expected);
      const ended = await world.engine.operations.get(user, operation.id);
      expect(ended.status).toBe('succeeded');
      expect(ended.steps.map(({ name, status }) => [name, status])).toEqual(
        after.map(({ name }) => [name, 'done']),
      );
    });

    it('a worker of another version undoes the steps that it knows', async () => {
      const { hosting, operation } = await world.engine.hostings.create(user, {});
      const failing = withRun({ ...createHosting, steps: withExtraAt(1) }, 'boot', failsBefore);
      await workWith(world, hosting.id, withUndo(failing, 'apply', diesBefore(world)));
      await expireLeases(world.parts.database.direct);
      await workWith(world, hosting.id, watched(steps));
      expect(ran).toEqual(['undo apply', 'undo synthesize', 'undo reserve']);
      expect((await world.engine.operations.get(user, operation.id)).status).toBe('failed');
    });
  });

  it('a step that was passed over is not undone', async () => {
    const undone: string[] = [];
    const remember = (name: string) => (): Promise<void> => Promise.resolve(void undone.push(name));
    const extra = steps({ input: z.object({}), needs: [] }).step('extra', {
      do: () => Promise.resolve(),
      undo: remember('extra'),
    });
    const begin = operation({
      ...{ kind: 'create-hosting', onFailure: 'unwind', onRemoval: 'cancel' },
      ...{ input: z.object({}), needs: [] },
    }).step('reserve', { undo: remember('reserve') });
    const fail = { do: () => Promise.reject(new EngineError('internal', 'planned failure')) };
    for (const [passed, expected] of [
      [true, ['reserve']],
      [false, ['extra', 'reserve']],
    ] as const) {
      undone.length = 0;
      const whole = begin.include(extra, { when: () => Promise.resolve(!passed) }).step('fail', fail);
      const { hosting, operation: accepted } = await world.engine.hostings.create(await world.newUser(), {});
      await workWith(world, hosting.id, whole);
      expect((await world.engine.operations.get(admin, accepted.id)).status).toBe('failed');
      expect(undone).toEqual(expected);
    }
  });

  it('an operation with an unreadable input is stuck and keeps what was made', async () => {
    const { hosting, operation: accepted } = await world.engine.hostings.create(user, {});
    const strict = operation({
      ...{ kind: 'create-hosting', onFailure: 'unwind', onRemoval: 'cancel' },
      ...{ input: z.object({ never: z.string() }), needs: ['stack'] },
    })
      .step('reserve', { undo: () => Promise.reject(new Error('undone')) })
      .step('apply', { do: ({ stack }) => stack.apply() });
    await workWith(world, hosting.id, strict);
    const { status, failure } = await world.engine.operations.get(user, accepted.id);
    expect([status, failure?.code]).toEqual(['stuck', 'internal']);
  });

  it('an operation refuses illegal transitions between statuses', async () => {
    const { operation } = await world.engine.hostings.create(user, {});
    const move = (to: Parameters<typeof moveOperation>[2]) =>
      moveOperation(world.parts.database.direct, operation.id, to);
    await expect(move('succeeded')).rejects.toThrow('cannot become succeeded');
    await move('running');
    await move('succeeded');
    await expect(move('unwinding')).rejects.toThrow('cannot become unwinding');
  });
});
