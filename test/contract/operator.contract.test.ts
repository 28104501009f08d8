/** What a command line may ask for: one suite for the machine's own way and the one over the API. */
import { type HostingFilter, type NamedHosting, type TornDown } from '../../engine';
import { EngineError } from '../../engine/base/errors';
import { findUserByName } from '../../engine/store/users';
import { openWorld, type World } from '../worlds/world';
import { type Scene, scenes, serviceScene, type ServiceScene } from './support/operators';
import { createdAgo, replaceLog } from '../support/rows';

jest.setTimeout(60_000);

const everything: HostingFilter = { names: [], labels: {}, olderThanSeconds: null };
const unknownId = '00000000-0000-4000-8000-000000000000';
const quietly = { parallel: 2, handover: new AbortController().signal, onResult: () => undefined };

async function newHosting(world: World, labels: Record<string, string> = {}): Promise<NamedHosting> {
  const user = await world.newUser();
  const { hosting, operation } = await world.engine.hostings.create(user, { labels });
  await made(world, hosting.id, operation.id);
  const { id, vmName, createdAt, drift } = hosting;
  return { id, vmName, createdAt, labels, drift, username: user.username, status: 'running' };
}

/** The service's worker may have taken it up before. */
async function made(world: World, stackId: string, operationId: string): Promise<void> {
  await world.work(stackId);
  const { status } = await world.engine.operations.wait(operationId, { timeoutMs: 20_000 });
  expect(status).toBe('succeeded');
}

describe.each(scenes)('an operator %s', (_, open) => {
  let scene: Scene;
  let mina: NamedHosting;
  let juno: NamedHosting;
  beforeEach(async () => {
    scene = await open();
    mina = await newHosting(scene.world, { course: 'a' });
    juno = await newHosting(scene.world);
  });
  afterEach(() => scene.close());

  it('finds by VM name, by id and by username, and nothing by any other word', async () => {
    for (const text of [mina.vmName, mina.id, mina.username])
      expect(await scene.operator.find(text)).toEqual(mina);
    for (const text of ['nobody', unknownId, 'nobody, really', "' OR 1=1", ''])
      await expect(scene.operator.find(text)).rejects.toMatchObject({ code: 'hosting_not_found' });
  });

  it('selects the living by name, label and age, the oldest first', async () => {
    const select = async (filter: Partial<HostingFilter>): Promise<string[]> =>
      (await scene.operator.select({ ...everything, ...filter })).map(({ id }) => id);
    expect(await select({})).toEqual([mina.id, juno.id]);
    expect(await select({ names: [juno.username, mina.vmName, 'nobody', '?'] })).toEqual([mina.id, juno.id]);
    expect(await select({ names: ['nobody'] })).toEqual([]);
    expect(await select({ names: ['?'] })).toEqual([]);
    expect(await select({ labels: { course: 'a' } })).toEqual([mina.id]);
    expect(await select({ labels: { course: 'b' } })).toEqual([]);
    expect(await select({ olderThanSeconds: 3_600 })).toEqual([]);
    const { direct } = scene.world.parts.database;
    await createdAgo(direct, '2 h', { id: juno.id });
    expect(await select({ olderThanSeconds: 3_600 })).toEqual([juno.id]);
    expect(await select({})).toEqual([juno.id, mina.id]);
  });

  it('plans what an apply would change, and applies what was agreed to', async () => {
    const { operator, world } = scene;
    expect(await operator.plan(mina.id)).toMatchObject({
      differences: [],
      changes: [],
      at: expect.any(Date),
    });
    world.host.domains.delete(mina.vmName);
    const plan = await operator.plan(mina.id);
    expect(plan).toMatchObject({
      runId: expect.any(String),
      differences: ['libvirt_domain.vm: create'],
      changes: [{ address: 'libvirt_domain.vm', action: 'create', attributes: [] }],
      text: expect.stringContaining('+ libvirt_domain.vm'),
      json: { resource_changes: expect.any(Array) },
    });
    const agreed = ['something else'];
    await expect(
      operator.apply(mina.id, { recreateDisk: false, agreed }, () => undefined),
    ).rejects.toMatchObject({ code: 'plan_changed' });
    expect(world.host.domains.has(mina.vmName)).toBe(false);
    const told: string[] = [];
    await operator.apply(mina.id, { recreateDisk: false, agreed: plan.differences }, (message) =>
      told.push(message),
    );
    expect(world.host.domains.has(mina.vmName)).toBe(true);
    expect(told.length).toBeGreaterThan(3);
    await expect(operator.plan(unknownId)).rejects.toMatchObject({ code: 'hosting_not_found' });
  });

  it('tells why a plan failed', async () => {
    scene.world.host.faults.fail('init', new EngineError('plan_refused', 'planned failure'));
    await expect(scene.operator.plan(mina.id)).rejects.toMatchObject({
      code: 'plan_refused',
      message: 'planned failure',
    });
  });

  it('plans what a create would make for a user, and makes nothing', async () => {
    const { username } = await scene.world.newUser();
    const { changes } = await scene.operator.planNew(username);
    expect(changes.map(({ action }) => action)).toEqual(['create', 'create', 'create']);
    expect(await scene.operator.select(everything)).toHaveLength(2);
    await expect(scene.operator.planNew('nobody')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('shows the runs of a hosting, the newest first, and each with its log and plan', async () => {
    const { operationId } = await scene.operator.plan(mina.id);
    const runs = await scene.operator.runs(mina.id, 20);
    expect(runs.length).toBeGreaterThan(1);
    expect(runs[0]).toMatchObject({
      stackId: mina.id,
      operationId,
      kind: 'plan',
      startedAt: expect.any(Date),
      finishedAt: expect.any(Date),
      exitCode: 0,
    });
    expect(await scene.operator.runs(mina.id, 1)).toEqual([runs[0]]);
    const id = runs[0]!.id;
    const { log, ...run } = await scene.operator.run(id);
    expect(run).toMatchObject({ id, planText: expect.any(String), plan: expect.any(Object) });
    await replaceLog(scene.world.parts.database.direct, id, 'line 1 ☂\nline 2');
    let followed = '';
    for await (const text of scene.operator.followRun(id)) followed += text;
    expect([typeof log, followed]).toEqual(['string', 'line 1 ☂\nline 2']);
    await expect(scene.operator.run(unknownId)).rejects.toMatchObject({ code: 'run_not_found' });
    await expect(scene.operator.runs(unknownId, 1)).rejects.toMatchObject({ code: 'hosting_not_found' });
  });

  it('shows drift as the last looks found it, those that differ first', async () => {
    scene.world.host.domains.delete(juno.vmName);
    await scene.operator.plan(juno.id);
    const [first, second] = await scene.operator.drift();
    expect(first).toEqual({
      hostingId: juno.id,
      vmName: juno.vmName,
      username: juno.username,
      checkedAt: expect.any(Date),
      differences: ['libvirt_domain.vm: create'],
      lookFailed: false,
      lookFailure: null,
      isAsleep: false,
    });
    expect(second).toMatchObject({ vmName: mina.vmName, checkedAt: null, differences: [] });
    expect((await scene.operator.find(juno.id)).drift).toMatchObject({
      differences: ['libvirt_domain.vm: create'],
      checkedAt: first!.checkedAt,
    });
  });

  it('lists operations, the newest first, by status', async () => {
    const operations = await scene.operator.operations({ limit: 20 });
    expect(operations).toMatchObject([
      { kind: 'create-hosting', status: 'succeeded', vmName: juno.vmName, createdAt: expect.any(Date) },
      { kind: 'create-hosting', vmName: mina.vmName, steps: expect.any(Array), owns: [] },
    ]);
    expect(operations[0]!.steps.at(-1)).toMatchObject({ status: 'done', startedAt: expect.any(Date) });
    expect(await scene.operator.operations({ limit: 1 })).toHaveLength(1);
    expect(await scene.operator.operations({ status: 'stuck', limit: 1 })).toEqual([]);
  });

  it('labels accounts: the hosting that there is, and the next one, which a teardown by label finds', async () => {
    const { operator, world } = scene;
    const label = (set: Record<string, string>, remove: string[] = []) =>
      operator.label(mina.username, { set, remove });
    const found = { username: mina.username, vmName: mina.vmName };
    expect(await label({ term: 'spring' })).toEqual({
      ...{ ...found, labels: { term: 'spring' } },
      hostingLabels: { course: 'a', term: 'spring' },
    });
    expect(await label({})).toMatchObject({ labels: { term: 'spring' } });
    expect(await label({ group: '7' }, ['term'])).toMatchObject({
      labels: { group: '7' },
      hostingLabels: { course: 'a', group: '7' },
    });
    await operator.tearDown([mina], { ...quietly, dryRun: false });
    const owner = await findUserByName(world.parts.database.direct, mina.username);
    const { hosting, operation } = await world.engine.hostings.create(owner!, {});
    await made(world, hosting.id, operation.id);
    const byLabel = (labels: Record<string, string>) => operator.select({ ...everything, labels });
    expect(await byLabel({ group: '7', course: 'a' })).toMatchObject([{ id: hosting.id }]);
    await operator.tearDown(await byLabel({ group: '7' }), { ...quietly, dryRun: false });
    const again = await world.engine.hostings.create(owner!, { labels: {} });
    expect(again.hosting.labels).toEqual({ group: '7' });
    await expect(operator.label('nobody', { set: {}, remove: [] })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('shows what a teardown would remove, and removes nothing', async () => {
    const results = await scene.operator.tearDown([mina], { ...quietly, dryRun: true });
    expect(results).toMatchObject([
      { vmName: mina.vmName, username: mina.username, result: 'planned', reason: null },
    ]);
    expect(results[0]!.changes.map(({ action }) => action)).toEqual(['delete', 'delete', 'delete']);
    expect(scene.world.host.domains.size).toBe(2);
  });

  it('tears down, tells why one is left, and a repeat goes on with it', async () => {
    const { host } = scene.world;
    host.faults.fail('inventory', new EngineError('libvirt_unavailable', 'The disk is busy'), 100);
    const told: [TornDown, number, number][] = [];
    const onResult = (...result: [TornDown, number, number]): void => void told.push(result);
    const left = await scene.operator.tearDown([mina], { ...quietly, onResult, dryRun: false });
    expect(left).toMatchObject([{ result: 'left', reason: expect.stringContaining('The disk is busy') }]);
    expect(told).toEqual([[left[0], 1, 1]]);
    host.faults.clear();
    const gone = await scene.operator.tearDown([mina, juno], { ...quietly, dryRun: false });
    expect(gone.map(({ vmName, result }) => [vmName, result])).toEqual([
      [mina.vmName, 'gone'],
      [juno.vmName, 'gone'],
    ]);
    expect(host.remains()).toMatchObject({ domains: [], volumes: [] });
    expect(await scene.operator.select(everything)).toEqual([]);
  });

  it('leaves what was not begun when it is interrupted', async () => {
    const handover = AbortSignal.abort(new Error('stopped by SIGINT'));
    const [left] = await scene.operator.tearDown([mina], { ...quietly, handover, dryRun: false });
    expect(left).toMatchObject({ result: 'left', reason: 'interrupted; repeat to continue' });
    expect(scene.world.host.domains.size).toBe(2);
  });
});

describe('without a name', () => {
  it('there is no hosting of one’s own on the machine', async () => {
    const scene = await scenes[0]![1]();
    await expect(scene.operator.find(null)).rejects.toMatchObject({ code: 'validation_failed' });
    await scene.close();
  });
});

describe('an ordinary user over the API', () => {
  let scene: ServiceScene;
  let other: NamedHosting;
  beforeEach(async () => {
    scene = await serviceScene(await openWorld());
    other = await newHosting(scene.world);
  });
  afterEach(() => scene.close());

  it('works with their own hosting, under each of its names and without any', async () => {
    const { user, token } = await scene.signIn('user');
    const operator = scene.operatorOf(token);
    await expect(operator.find(null)).rejects.toMatchObject({ code: 'hosting_not_found' });
    expect(await operator.select(everything)).toEqual([]);
    expect((await operator.planNew(user.username)).changes).toHaveLength(3);
    const { hosting, operation } = await scene.world.engine.hostings.create(user, {
      labels: { course: 'a' },
    });
    await made(scene.world, hosting.id, operation.id);
    for (const text of [null, hosting.id, hosting.vmName, user.username])
      expect(await operator.find(text)).toMatchObject({ id: hosting.id, username: user.username });
    expect(await operator.plan(hosting.id)).toMatchObject({ differences: [] });
    expect((await operator.runs(hosting.id, 5)).length).toBeGreaterThan(0);
    expect(await operator.drift()).toMatchObject([{ vmName: hosting.vmName, checkedAt: expect.any(Date) }]);
    expect(await operator.select({ ...everything, labels: { course: 'b' } })).toEqual([]);
    expect(await operator.select({ ...everything, olderThanSeconds: 3_600 })).toEqual([]);
    expect(await operator.select({ ...everything, names: ['nobody'] })).toEqual([]);
    const own = await operator.select(everything);
    expect(await operator.tearDown(own, { ...quietly, dryRun: false })).toMatchObject([{ result: 'gone' }]);
    expect(scene.world.host.domains.size).toBe(1);
  });

  it('neither sees nor removes anything of anybody else', async () => {
    const { user, token } = await scene.signIn('user');
    const operator = scene.operatorOf(token);
    await expect(scene.world.engine.hostings.remove(user, other.id)).rejects.toMatchObject({
      code: 'hosting_not_found',
    });
    await expect(operator.find(other.vmName)).rejects.toMatchObject({ code: 'hosting_not_found' });
    await expect(operator.plan(other.id)).rejects.toMatchObject({ code: 'hosting_not_found' });
    await expect(operator.runs(other.id, 1)).rejects.toMatchObject({ code: 'hosting_not_found' });
    await expect(operator.planNew(other.username)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(operator.operations({ limit: 1 })).rejects.toMatchObject({ code: 'forbidden' });
    for (const dryRun of [true, false])
      expect(await operator.tearDown([other], { ...quietly, dryRun })).toMatchObject([
        { result: 'left', reason: expect.stringContaining('no such hosting') },
      ]);
    expect(scene.world.host.domains.size).toBe(1);
  });

  it('is told to sign in when the token is not valid', async () => {
    await expect(scene.operatorOf('nonsense').find(null)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining(`webhoster login --url ${scene.url}`),
    });
  });
});
