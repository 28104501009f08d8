/** The engine as its callers see it: real database, real queue, fake host. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Asker, type Config, type Engine, startEngine } from '../../engine';
import { createLog } from '../../engine/base/log';
import { connectParts } from '../../engine/start';
import { insertOperation } from '../../engine/store/operations';
import { ensureNode, findNode } from '../../engine/store/stacks';
import { isPrepared, nodeFingerprint, prepareNode, removeNode } from '../../engine/node';
import { EngineError } from '../../engine/base/errors';
import { FakeHost } from '../fakes/fake-host';
import { builtImage as image } from '../fakes/fake-images';
import { fakeParts, testConfig } from '../worlds/fake-parts';
import { cloneDatabase } from '../support/postgres';

let host: FakeHost;
let dir: string;
let config: Config;
const log = createLog(process.env.TEST_LOG ?? 'silent');

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-engine-'));
  host = new FakeHost();
  config = testConfig({ dir, url: await cloneDatabase() }, { DOMAIN_TYPE: 'qemu' });
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

async function onTheNode(
  work: (connected: Awaited<ReturnType<typeof connectParts>>) => Promise<void>,
): Promise<void> {
  const connected = await connectParts(config, log, fakeParts(host));
  await work(connected);
  await connected.bus.close();
  await connected.parts.database.close();
}

async function run(
  connected: Awaited<ReturnType<typeof connectParts>>,
  definition: typeof prepareNode | typeof removeNode,
) {
  const { parts, runner } = connected;
  const node = await ensureNode(parts.database.direct, config.NODE_NAME, randomUUID());
  await insertOperation(parts.database.direct, {
    kind: definition.kind,
    stackId: node.stackId,
    input: { fingerprint: nodeFingerprint(config, image) },
    steps: definition.steps,
  });
  await runner.perform(node.stackId, new AbortController().signal);
  const [last] = (await parts.database.direct.query(
    `SELECT status, failure_code FROM operations ORDER BY created_at DESC LIMIT 1`,
  )) as { status: string; failure_code: string | null }[];
  return last;
}

describe('the node', () => {
  it('the node is ready once it is prepared, until its configuration or image changes', async () => {
    await onTheNode(async (connected) => {
      const { parts } = connected;
      expect(await isPrepared(parts, nodeFingerprint(config, image))).toBe(false);
      expect(await run(connected, prepareNode)).toEqual({ status: 'succeeded', failure_code: null });
      expect(await isPrepared(parts, nodeFingerprint(config, image))).toBe(true);
      expect(await isPrepared(parts, nodeFingerprint({ ...config, EGRESS: 'none' }, image))).toBe(false);
      expect(await isPrepared(parts, nodeFingerprint(config, { ...image, checksum: 'd'.repeat(64) }))).toBe(
        false,
      );
      const node = await findNode(parts.database.direct, config.NODE_NAME);
      expect(node).toMatchObject({
        domainType: 'qemu',
        images: { micro: { baseVolumePath: `${config.POOL_DIR}/base-micro-cccccccccccccccc.qcow2` } },
      });
    });
  });

  it('a removed node is no longer prepared and holds nothing', async () => {
    await onTheNode(async (connected) => {
      await run(connected, prepareNode);
      expect(await run(connected, removeNode)).toMatchObject({ status: 'succeeded' });
      expect(await isPrepared(connected.parts, nodeFingerprint(config, image))).toBe(false);
      expect(host.remains()).toMatchObject({ domains: [], volumes: [] });
    });
  });

  it('a node whose apply failed is not ready, and can be prepared again', async () => {
    await onTheNode(async (connected) => {
      host.faults.fail('apply', new EngineError('apply_failed', 'no such pool'));
      expect(await run(connected, prepareNode)).toEqual({ status: 'failed', failure_code: 'apply_failed' });
      expect(await isPrepared(connected.parts, nodeFingerprint(config, image))).toBe(false);
      expect(await run(connected, prepareNode)).toMatchObject({ status: 'succeeded' });
    });
  });
});

describe('the engine', () => {
  let engine: Engine;
  beforeEach(async () => {
    await onTheNode(async (connected) => {
      await run(connected, prepareNode);
    });
    engine = await startEngine(config, log, fakeParts(host));
  });
  afterEach(() => engine.close());

  const registration = () => ({
    email: `Ann-${randomUUID()}@Example.org`,
    username: `ann-${randomUUID().slice(0, 8)}`,
    password: 'a fine passphrase',
  });

  it('a user is known by e-mail address in any case and by token, and nobody else is', async () => {
    const wanted = registration();
    const user = await engine.accounts.register(wanted);
    const { accessToken } = await engine.accounts.login({
      email: wanted.email.toUpperCase(),
      password: wanted.password,
    });
    expect((await engine.accounts.authenticate(accessToken)).user).toEqual(user);
    await expect(
      engine.accounts.register({ ...registration(), email: wanted.email.toLowerCase() }),
    ).rejects.toMatchObject({ code: 'email_taken' });
    await expect(
      engine.accounts.register({ ...registration(), username: wanted.username }),
    ).rejects.toMatchObject({ code: 'username_taken' });
    for (const email of [wanted.email, 'nobody@example.org', 'nul\0@example.org']) {
      await expect(engine.accounts.login({ email, password: 'wrong' })).rejects.toMatchObject({
        code: 'invalid_credentials',
      });
    }
    await expect(engine.accounts.authenticate(`${accessToken}x`)).rejects.toMatchObject({
      code: 'unauthorized',
    });
  });

  it('a hosting is made and removed through the queue while the caller waits and watches', async () => {
    const user = await engine.accounts.register(registration());
    const { operation, hosting } = await engine.hostings.create(user, {});
    const events: string[] = [];
    const watched = (async () => {
      for await (const event of engine.operations.events(operation.id, {
        signal: new AbortController().signal,
      }))
        events.push(event.type);
    })();
    const ended = await engine.operations.wait(operation.id, { timeoutMs: 30_000 });
    expect(ended.status).toBe('succeeded');
    await watched;
    expect(events.at(0)).toBe('operation.accepted');
    expect(events.at(-1)).toBe('operation.succeeded');
    expect(events.filter((type) => type === 'step.done')).toHaveLength(9);
    expect((await engine.hostings.get(user, hosting.id)).status).toBe('running');

    const removal = await engine.hostings.delete(user);
    expect((await engine.operations.wait(removal.id, { timeoutMs: 30_000 })).status).toBe('succeeded');
    await expect(engine.hostings.mine(user)).rejects.toMatchObject({ code: 'hosting_not_found' });
    expect((await engine.hostings.get(user, hosting.id)).status).toBe('deleted');
  });

  it('an operation and a hosting are shown to their owner only', async () => {
    const [owner, other] = [
      await engine.accounts.register(registration()),
      await engine.accounts.register(registration()),
    ];
    const { operation, hosting } = await engine.hostings.create(owner, {});
    await expect(engine.operations.get(other, operation.id)).rejects.toMatchObject({
      code: 'operation_not_found',
    });
    await expect(engine.operations.cancel(other, operation.id)).rejects.toMatchObject({
      code: 'operation_not_found',
    });
    await expect(engine.hostings.get(other, hosting.id)).rejects.toMatchObject({ code: 'hosting_not_found' });
    await engine.operations.wait(operation.id, { timeoutMs: 30_000 });
  });

  // most of these are open to administrators alone: the way in to it is looked at by other tests
  it.each<[string, (engine: Engine, asker: Asker, id: string) => Promise<unknown>]>([
    ['remove', (of, asker, id) => of.hostings.remove(asker, id)],
    ['plan', (of, asker, id) => of.plans.request(asker, id)],
    ['plan the removal of', (of, asker, id) => of.plans.requestDelete(asker, id)],
    ['apply', (of, asker, id) => of.plans.apply(asker, id, { recreateDisk: false, agreed: null })],
    ['list the runs of', (of, asker, id) => of.runs.list(asker, id, { limit: 9 })],
  ])('lets nobody %s a hosting that is another’s', async (_, act) => {
    const [owner, other] = [
      await engine.accounts.register(registration()),
      await engine.accounts.register(registration()),
    ];
    const { operation, hosting } = await engine.hostings.create(owner, {});
    await engine.operations.wait(operation.id, { timeoutMs: 30_000 });
    await expect(act(engine, other, hosting.id)).rejects.toMatchObject({ code: 'hosting_not_found' });
    await act(engine, owner, hosting.id);
  });

  it('the run of a dry run is shown only to the user who asked for it', async () => {
    const [owner, other] = [
      await engine.accounts.register(registration()),
      await engine.accounts.register(registration()),
    ];
    const { id } = await engine.plans.requestNew(owner, {});
    await engine.operations.wait(id, { timeoutMs: 30_000 });
    let runId = '';
    await onTheNode(async ({ parts }) => {
      const rows: { id: string }[] = await parts.database.direct.query(
        `SELECT id FROM runs WHERE operation_id = $1`,
        [id],
      );
      runId = rows[0]!.id;
    });
    await expect(engine.runs.get(other, runId)).rejects.toMatchObject({ code: 'run_not_found' });
    expect((await engine.runs.get(owner, runId)).id).toBe(runId);
  });

  it('waiting for an operation ends when the caller leaves, and the operation continues', async () => {
    const user = await engine.accounts.register(registration());
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    host.faults.once('page', () => gate);
    const { operation } = await engine.hostings.create(user, {});
    expect((await engine.operations.wait(operation.id, { timeoutMs: 50 })).status).not.toBe('succeeded');
    expect(
      (await engine.operations.wait(operation.id, { timeoutMs: 60_000, signal: AbortSignal.abort() })).status,
    ).not.toBe('succeeded');
    goOn();
    expect((await engine.operations.wait(operation.id, { timeoutMs: 30_000 })).status).toBe('succeeded');
  });

  it('a running create is cancelled on request', async () => {
    const user = await engine.accounts.register(registration());
    Object.assign(host.guest, { servesPage: () => Promise.resolve(false) });
    const { operation } = await engine.hostings.create(user, {});
    await engine.operations.cancel(user, operation.id);
    const ended = await engine.operations.wait(operation.id, { timeoutMs: 30_000 });
    expect(ended).toMatchObject({ status: 'failed', failure: { code: 'cancelled' } });
    expect(host.remains().domains).toEqual([]);
  });

  it('an operation that was running continues after a restart', async () => {
    const user = await engine.accounts.register(registration());
    const serves = host.guest.servesPage;
    Object.assign(host.guest, { servesPage: () => Promise.resolve(false) });
    const { operation } = await engine.hostings.create(user, {});
    while (!host.faults.visited.includes('made libvirt_domain'))
      await new Promise((resolve) => setTimeout(resolve, 10));
    await engine.close();
    Object.assign(host.guest, { servesPage: serves });
    engine = await startEngine(config, log, fakeParts(host));
    expect((await engine.operations.wait(operation.id, { timeoutMs: 30_000 })).status).toBe('succeeded');
  });

  it('nothing is lost that was accepted at the moment the engine stops', async () => {
    const user = await engine.accounts.register(registration());
    const { operation } = await engine.hostings.create(user, {});
    await engine.close();
    engine = await startEngine(config, log, fakeParts(host));
    const ended = await engine.operations.wait(operation.id, { timeoutMs: 4_000 });
    expect(ended.status).toBe('succeeded');
  });

  it('the engine reports the health of each part', async () => {
    expect(await engine.health.basic()).toBe(true);
    const parts = await engine.health.detailed();
    expect(parts.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'postgres ok',
      'queue ok',
      'reconcilers ok',
      'libvirt ok',
      'network ok',
      'vms ok',
      'nginx ok',
      'terraform ok',
      'disk ok',
    ]);
  });
});
