/** Plans, Terraform's runs and drift: one suite for the engine and for the fake in its place. */
import type { User } from '../../engine';
import { anyDate, anyId, engines, refusal, sceneOf, unknownId } from './support/engines';

const lost = 'libvirt_domain.vm: create';
const notAgreed = { recreateDisk: false, agreed: null };

describe.each(engines)('%s', (_, open) => {
  const scene = sceneOf(open);
  const { engine } = scene;
  let admin: User;
  beforeAll(async () => {
    admin = (await scene.newAccount('admin')).user;
  });

  async function withHosting() {
    const user = await scene.newUser();
    const hosting = await scene.newHosting(user);
    return { user, id: hosting.id, hosting };
  }
  const changesOf = (action: string) =>
    ['libvirt_cloudinit_disk', 'libvirt_domain', 'libvirt_volume'].map((type) => ({
      ...{ address: expect.stringMatching(`^${type}\\.`), type, action, attributes: [] },
    }));

  it('a plan of a hosting is shown once it is made', async () => {
    const { user, id } = await withHosting();
    const operation = await engine.plans.request(user, null);
    expect(operation).toMatchObject({ kind: 'plan-apply', hostingId: id, userId: user.id });
    expect(await refusal(engine.plans.of(operation))).toBe('not_ended');
    // one that waits is as fresh
    expect((await engine.plans.request(user, id)).id).toBe(operation.id);
    await scene.work(operation);
    const none = {
      ...{ operationId: operation.id, runId: anyId, at: anyDate, differences: [], changes: [] },
      ...{ text: expect.stringContaining('No changes'), json: expect.any(Object) },
    };
    expect(await engine.plans.of(operation)).toEqual(none);
    await scene.loseVm(user);
    const again = await engine.plans.request(admin, id);
    expect(again.userId).toBe(admin.id);
    await scene.work(again);
    expect(await engine.plans.of(again)).toEqual({
      ...{ ...none, operationId: again.id, differences: [lost] },
      changes: [{ address: 'libvirt_domain.vm', type: 'libvirt_domain', action: 'create', attributes: [] }],
      text: expect.any(String),
    });
    const drift = { checkedAt: anyDate, differences: [lost], lookFailed: false, lookFailure: null };
    expect((await engine.hostings.mine(user)).drift).toEqual(drift);
    expect((await engine.hostings.get(admin, id)).drift).toEqual(drift);
  });

  it('a plan that an administrator began is shown to the hosting’s owner, who gets the same one, and to nobody else', async () => {
    const [{ user, id }, other] = [await withHosting(), await scene.newUser()];
    const begun = await engine.plans.request(admin, id);
    expect((await engine.plans.request(user, null)).id).toBe(begun.id);
    expect(await engine.operations.get(user, begun.id)).toMatchObject({ id: begun.id, userId: admin.id });
    expect(await refusal(engine.operations.get(other, begun.id))).toBe('operation_not_found');
    await scene.work(begun);
    expect(await engine.operations.get(user, begun.id)).toMatchObject({ status: 'succeeded' });
  });

  it('a plan of a create with an invalid SSH key rejects', async () => {
    const user = await scene.newUser();
    expect(await refusal(engine.plans.requestNew(user, { sshPublicKey: 'none' }))).toBe(
      'validation_failed message fields',
    );
  });

  it('nobody can plan or apply a hosting that they may not see', async () => {
    const [{ id }, other] = [await withHosting(), await scene.newUser()];
    for (const [who, which] of [
      [other, id],
      [admin, unknownId],
      [other, null],
    ] as const) {
      expect(await refusal(engine.plans.request(who, which))).toBe('hosting_not_found message');
      expect(await refusal(engine.plans.apply(who, which, notAgreed))).toBe('hosting_not_found message');
      expect(await refusal(engine.plans.requestDelete(who, which ?? id))).toBe('hosting_not_found message');
      expect(await refusal(engine.runs.list(who, which, { limit: 1 }))).toBe('hosting_not_found message');
    }
  });

  it('a create is planned for oneself or another user, and makes nothing', async () => {
    const user = await scene.newUser();
    const operations = [
      await engine.plans.requestNew(user, {}),
      await engine.plans.requestNewFor(user.username),
    ];
    for (const operation of operations) {
      expect(operation).toMatchObject({ kind: 'plan-create', hostingId: null, userId: user.id });
      await scene.work(operation);
      const { changes, differences } = await engine.plans.of(operation);
      expect([...changes].sort((a, b) => (a.type < b.type ? -1 : 1))).toEqual(changesOf('create'));
      expect(differences).toEqual(changes.map(({ address }) => `${address}: create`));
    }
    expect(await refusal(engine.plans.requestNewFor('nobody'))).toBe('not_found message');
    const noKey = async () => engine.plans.requestNew(user, { sshPublicKey: 'x' });
    expect(await refusal(noKey())).toBe('validation_failed message fields');
    expect(await refusal(engine.hostings.mine(user))).toBe('hosting_not_found');
  });

  it('a removal is planned, and removes nothing', async () => {
    const { user, id } = await withHosting();
    const operation = await engine.plans.requestDelete(admin, id);
    expect(operation).toMatchObject({ kind: 'plan-delete', hostingId: id, userId: admin.id });
    await scene.work(operation);
    const { changes, differences } = await engine.plans.of(operation);
    expect([...changes].sort((a, b) => (a.type < b.type ? -1 : 1))).toEqual(changesOf('delete'));
    expect(differences).toEqual(changes.map(({ address }) => `${address}: delete`));
    expect((await engine.hostings.mine(user)).status).toBe('running');
  });

  it('a failed plan says why', async () => {
    const { user, id } = await withHosting();
    const failed = await scene.fail(await engine.plans.request(user, id), 'plan_failed');
    expect(await refusal(engine.plans.of(failed))).toBe('plan_failed message');
    expect((await engine.hostings.mine(user)).drift).toEqual({
      ...{ checkedAt: null, differences: [], lookFailed: true },
      lookFailure: { code: 'plan_failed', message: 'planned failure' },
    });
    await scene.work(await engine.hostings.delete(user));
    const late = await scene.work(await engine.plans.request(user, id));
    expect(late).toMatchObject({ status: 'failed', failure: { code: 'not_found' } });
    expect(await refusal(engine.plans.of({ id: unknownId }))).toBe('operation_not_found');
  });

  it('an apply does what was agreed to, and nothing else', async () => {
    const { user, id } = await withHosting();
    await scene.loseVm(user);
    const apply = async (agreed: readonly string[] | null) =>
      scene.work(await engine.plans.apply(user, id, { recreateDisk: false, agreed }));
    expect(await apply(['something else'])).toMatchObject({
      ...{ kind: 'apply-hosting', hostingId: id, userId: user.id },
      ...{ status: 'failed', failure: { code: 'plan_changed' } },
    });
    expect((await apply([lost])).status).toBe('succeeded');
    expect((await engine.hostings.mine(user)).drift).toMatchObject({ checkedAt: anyDate, differences: [] });
    expect((await apply(null)).status).toBe('succeeded');
  });

  it('a user can have 20 unfinished operations, and no more', async () => {
    const { user, id } = await withHosting();
    for (let count = 0; count < 20; count++) await engine.plans.requestNew(user, {});
    for (const call of [
      engine.plans.requestNew(user, {}),
      engine.plans.requestDelete(user, id),
      engine.plans.apply(user, id, notAgreed),
    ])
      expect(await refusal(call)).toBe('too_many_operations message');
    expect((await engine.plans.requestDelete(admin, id)).kind).toBe('plan-delete');
  });

  it('the runs of a hosting are shown newest first to anyone who may see it', async () => {
    const [{ user, id }, other] = [await withHosting(), await scene.newUser()];
    const operation = await scene.work(await engine.plans.request(admin, id));
    const runs = await engine.runs.list(user, null, { limit: 20 });
    expect(runs.map(({ kind }) => kind)).toEqual(['plan', 'apply', 'plan']);
    const run = runs[0]!;
    expect(run).toEqual({
      ...{ id: anyId, stackId: id, operationId: operation.id, kind: 'plan', host: expect.any(String) },
      ...{ tools: { terraform: expect.any(String), libvirt: expect.any(String) }, exitCode: 0 },
      ...{ requestedBy: admin.username, startedAt: anyDate, finishedAt: anyDate, changes: [] },
      phases: expect.any(Array),
    });
    expect((await engine.plans.of(operation)).runId).toBe(run.id);
    expect(await engine.runs.list(admin, id, { limit: 1 })).toEqual([run]);
    expect(await engine.runs.list(user, id, { limit: 20, after: run.id })).toEqual(runs.slice(1));
    expect(await engine.runs.list(user, id, { limit: 20, after: unknownId })).toEqual([]);
    expect(await engine.runs.get(user, run.id)).toEqual({
      ...{ ...run, log: expect.any(String), planText: expect.stringContaining('No changes') },
      plan: expect.any(Object),
    });
    expect(await engine.runs.get(user, runs[1]!.id)).toMatchObject({
      kind: 'apply',
      planText: null,
      plan: null,
    });
    expect(await refusal(engine.runs.get(other, run.id))).toBe('run_not_found');
    expect(await refusal(engine.runs.get(admin, unknownId))).toBe('run_not_found');
    const { signal } = new AbortController();
    let log = '';
    for await (const text of engine.runs.follow(user, run.id, { signal })) log += text;
    expect(log).toBe((await engine.runs.get(user, run.id)).log);
    const stranger = engine.runs.follow(other, run.id, { signal })[Symbol.asyncIterator]();
    expect(await refusal(stranger.next())).toBe('run_not_found');
    const removal = await scene.work(await engine.hostings.delete(user));
    const [last] = await engine.runs.list(user, id, { limit: 1 });
    expect(last).toMatchObject({ kind: 'destroy', operationId: removal.id, requestedBy: user.username });
  });

  it('the run of a plan without a hosting is shown to the user who asked for it, and to administrators', async () => {
    const [user, other] = [await scene.newUser(), await scene.newUser()];
    const operation = await scene.work(await engine.plans.requestNew(user, {}));
    const { runId } = await engine.plans.of(operation);
    for (const who of [user, admin])
      expect((await engine.runs.get(who, runId!)).operationId).toBe(operation.id);
    expect(await refusal(engine.runs.get(other, runId!))).toBe('run_not_found');
  });

  it('drift of running hostings is listed oldest first, page by page', async () => {
    const { user, id, hosting } = await withHosting();
    const unlooked = {
      ...{ hostingId: id, vmName: hosting.vmName, username: user.username, isAsleep: false },
      ...{ checkedAt: null, differences: [], lookFailed: false, lookFailure: null },
    };
    const last = async () => (await engine.drift.list({ limit: 200 })).at(-1);
    expect(await last()).toEqual(unlooked);
    await scene.loseVm(user);
    await scene.work(await engine.plans.request(user, id));
    expect(await last()).toEqual({ ...unlooked, checkedAt: anyDate, differences: [lost] });
    const next = await withHosting();
    expect(await engine.drift.list({ limit: 1, after: id })).toMatchObject([{ hostingId: next.id }]);
    expect(await engine.drift.list({ limit: 1, after: unknownId })).toEqual([]);
    await scene.fallAsleep(next.user);
    expect(await last()).toMatchObject({ hostingId: next.id, isAsleep: true });
    await engine.hostings.delete(next.user);
    await engine.hostings.create(await scene.newUser(), {});
    expect(await last()).toMatchObject({ hostingId: id });
  });
});
