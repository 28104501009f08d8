/** Operations as callers see them, and waking: one suite for the engine and for the fake in its place. */
import type { Operation, OperationEvent, User } from '../../engine';
import { anyDate, anyId, engines, refusal, sceneOf, unknownId } from './support/engines';

const pendingStep = { name: expect.any(String), tries: 0, startedAt: null, finishedAt: null };
const doneStep = { name: expect.any(String), status: 'done', tries: expect.any(Number) };

describe.each(engines)('%s', (_, open) => {
  const scene = sceneOf(open);
  const { engine } = scene;

  const created = async (user: User) => (await engine.hostings.create(user, {})).operation;
  const running = async (user: User): Promise<Operation> => scene.work(await created(user));
  async function follow(id: string, afterId?: string, signal = new AbortController().signal) {
    const events: OperationEvent[] = [];
    for await (const event of engine.operations.events(id, { afterId, signal })) events.push(event);
    return events;
  }

  it('an operation is shown from its acceptance to its end', async () => {
    const user = await scene.newUser();
    const accepted = await created(user);
    expect(accepted).toEqual({
      ...{ id: anyId, kind: 'create-hosting', status: 'pending', hostingId: anyId, userId: user.id },
      steps: expect.arrayContaining([{ ...pendingStep, status: 'pending' }]),
      ...{ failure: null, cancelRequested: false, owns: [], queuePosition: null, estimatedSeconds: null },
      ...{ createdAt: anyDate, startedAt: null, finishedAt: null },
    });
    const waiting = await engine.operations.get(user, accepted.id);
    expect(waiting).toEqual({
      ...accepted,
      queuePosition: expect.any(Number),
      estimatedSeconds: waiting.estimatedSeconds,
    });
    const ended = await scene.work(accepted);
    expect(ended).toEqual({
      ...{ ...accepted, status: 'succeeded', startedAt: anyDate, finishedAt: anyDate },
      steps: accepted.steps.map(({ name }) => ({
        ...{ ...doneStep, name, startedAt: ended.steps.find((each) => each.name === name)?.startedAt },
        finishedAt: ended.steps.find((each) => each.name === name)?.finishedAt,
      })),
    });
    expect(ended.steps.at(-1)).toMatchObject({ tries: 1, startedAt: anyDate, finishedAt: anyDate });
    expect(await engine.operations.get(user, accepted.id)).toEqual(ended);
  });

  it('an operation is shown to and cancelled by its user and administrators, and nobody else', async () => {
    const [user, other] = [await scene.newUser(), await scene.newUser()];
    const { user: admin } = await scene.newAccount('admin');
    const { id } = await created(user);
    expect((await engine.operations.get(admin, id)).id).toBe(id);
    for (const [who, which] of [
      [other, id],
      [user, unknownId],
    ] as const) {
      expect(await refusal(engine.operations.get(who, which))).toBe('operation_not_found');
      expect(await refusal(engine.operations.cancel(who, which))).toBe('operation_not_found');
    }
    expect(await engine.operations.cancel(admin, id)).toMatchObject({ id, cancelRequested: true });
    expect(await refusal(engine.operations.wait(unknownId, { timeoutMs: 0 }))).toBe('operation_not_found');
    expect(await refusal(follow(unknownId))).toBe('operation_not_found');
  });

  it('an operation’s events are numbered from 1 and end with it', async () => {
    const operation = await created(await scene.newUser());
    const { id } = operation;
    const following = follow(id);
    await scene.work(operation);
    const events = await following;
    expect(events.map((event) => event.id)).toEqual(events.map((_event, index) => String(index + 1)));
    expect(events[0]).toEqual({
      ...{ id: '1', operationId: id, at: anyDate, type: 'operation.accepted' },
      ...{ message: 'create-hosting accepted', data: {} },
    });
    const { name: step } = operation.steps.at(-1)!;
    expect(events.slice(-3)).toMatchObject([
      { type: 'step.running', message: `${step} running`, data: { step } },
      { type: 'step.done', message: `${step} done`, data: { step } },
      { type: 'operation.succeeded', message: 'succeeded', data: {} },
    ]);
    expect(events.filter(({ type }) => type === 'operation.running')).toHaveLength(1);
    expect(await follow(id)).toEqual(events);
    expect(await follow(id, '1')).toEqual(events.slice(1));
    expect(await follow(id, String(events.length))).toEqual([]);
  });

  it('an operation’s events report a failure and a cancellation', async () => {
    const [user, other] = [await scene.newUser(), await scene.newUser()];
    const failed = await scene.fail(await created(user), 'plan_refused');
    const failure = { code: 'plan_refused', message: 'planned failure' };
    expect(failed).toMatchObject({ status: 'failed', failure, startedAt: anyDate, finishedAt: anyDate });
    expect(failed.steps).toContainEqual(expect.objectContaining({ status: 'failed', tries: 1 }));
    const events = await follow(failed.id);
    const types = events.map(({ type }) => type);
    expect(types).toContain('step.failed');
    expect(types.filter((type) => type.startsWith('operation.'))).toEqual([
      'operation.accepted',
      'operation.running',
      'operation.unwinding',
      'operation.failed',
    ]);
    expect(events.at(-1)).toMatchObject({
      message: 'failed: planned failure',
      data: { code: 'plan_refused' },
    });
    const cancelled = await created(other);
    const asked = await engine.operations.cancel(other, cancelled.id);
    expect(asked).toMatchObject({ id: cancelled.id, status: 'pending', cancelRequested: true });
    expect((await engine.operations.cancel(other, cancelled.id)).cancelRequested).toBe(true);
    const ended = await scene.work(cancelled);
    expect(ended).toMatchObject({ status: 'failed', failure: { code: 'cancelled' }, cancelRequested: true });
    expect((await follow(cancelled.id)).map(({ type }) => type)).toContain('operation.cancel_requested');
    // what has ended stays as it is
    expect(await engine.operations.cancel(other, cancelled.id)).toEqual(ended);
    expect(await engine.operations.cancel(user, failed.id)).toEqual(failed);
  });

  it('neither a removal nor a plan can be cancelled', async () => {
    const user = await scene.newUser();
    await running(user);
    const plan = await engine.plans.request(user, null);
    expect(await refusal(engine.operations.cancel(user, plan.id))).toBe('not_cancellable');
    const removal = await engine.hostings.delete(user);
    expect(await refusal(engine.operations.cancel(user, removal.id))).toBe('not_cancellable message');
  });

  it('waiting for an operation lasts until its end, the given time, or until the caller leaves', async () => {
    const operation = await created(await scene.newUser());
    const wait = (timeoutMs: number, signal?: AbortSignal) =>
      engine.operations.wait(operation.id, { timeoutMs, signal });
    expect((await wait(10)).status).toBe('pending');
    expect((await wait(20_000, AbortSignal.abort())).status).toBe('pending');
    expect((await wait(20_000, AbortSignal.timeout(50))).status).toBe('pending');
    const left = follow(operation.id, undefined, AbortSignal.timeout(50));
    expect((await left).map(({ type }) => type)).toEqual(['operation.accepted']);
    const waiting = wait(20_000);
    await scene.work(operation);
    expect((await waiting).status).toBe('succeeded');
  });

  it('everybody’s operations are listed by status, newest first, page by page', async () => {
    const user = await scene.newUser();
    const create = await running(user);
    const plan = await engine.plans.requestNew(user, {});
    const removal = await engine.hostings.delete(user);
    const [first, ...others] = await engine.operations.list({ limit: 3 });
    const vmName = `vm-${create.hostingId?.slice(0, 8)}`;
    expect(first).toEqual({ ...removal, vmName });
    expect(others).toEqual([
      { ...plan, vmName: null },
      { ...create, vmName },
    ]);
    const list = async (options: Parameters<typeof engine.operations.list>[0]) =>
      (await engine.operations.list(options)).map(({ id }) => id);
    expect((await list({ limit: 1, status: 'succeeded' }))[0]).toBe(create.id);
    expect(await list({ limit: 2, status: 'pending' })).toEqual([removal.id, plan.id]);
    expect(await list({ limit: 2, after: removal.id })).toEqual([plan.id, create.id]);
    expect(await list({ limit: 2, after: unknownId })).toEqual([]);
  });

  it('a sleeping hosting is woken by one operation, and one that is awake by none', async () => {
    const user = await scene.newUser();
    expect(await refusal(engine.sleep.wake(user))).toBe('hosting_not_found');
    const create = await created(user);
    expect(await refusal(engine.sleep.wake(user))).toBe('hosting_busy message');
    await scene.work(create);
    expect(await engine.sleep.wake(user)).toBeNull();
    await scene.fallAsleep(user);
    expect((await engine.hostings.mine(user)).status).toBe('sleeping');
    const wake = await engine.sleep.wake(user);
    expect(wake).toMatchObject({ kind: 'wake-hosting', userId: user.id, status: 'pending' });
    expect((await engine.sleep.wake(user))?.id).toBe(wake?.id);
    expect((await scene.work(wake!)).status).toBe('succeeded');
    expect((await engine.hostings.mine(user)).status).toBe('running');
    await engine.hostings.delete(user);
    expect(await refusal(engine.sleep.wake(user))).toBe('hosting_busy message');
  });
});
