/** For every kind of operation: the world it is accepted in, and what holds there when it has ended. */
import { randomUUID } from 'node:crypto';
import type { OperationKind } from '../../engine/model/operation';
import { EngineError } from '../../engine/base/errors';
import { adopt, type BundleFile, eject } from '../../engine/ejection';
import { planReport } from '../../engine/plans';
import { isPrepared, nodeFingerprint } from '../../engine/node';
import { wakeSteps } from '../../engine/sleep';
import { findHosting } from '../../engine/store/hostings';
import { getOperation, insertOperation, stepsOf } from '../../engine/store/operations';
import { findNode } from '../../engine/store/stacks';
import { builtImage, fakeImages } from '../fakes/fake-images';
import { definitionOf } from './definitions';
import { sleepScenarios } from './sleep-scenarios';
import { spareScenarios } from './spare-scenarios';
import { type Traces, tracesOf } from './traces';
import { openWorld, type World } from '../worlds/world';
import { asIfHostingWas, asIfNeverPrepared } from './rows';

export interface Accepted {
  readonly operationId: string;
  readonly stackId: string;
}

export interface Scenario {
  open(): Promise<World>;
  /** Makes what the operation works on; nobody has accepted it yet. */
  prepare(world: World): Promise<void>;
  accept(world: World): Promise<Accepted>;
  /** What holds when it has succeeded. @param opened  what there was before `prepare` */
  done(world: World, accepted: Accepted, opened: Traces): Promise<void>;
  /** What holds when it has failed and everything is undone. @param before  what there was when it was accepted */
  undone(world: World, accepted: Accepted, before: Traces): Promise<void>;
}

/** It is stuck until it succeeds. */
const noWayBack: Scenario['undone'] = () => Promise.reject(new Error('this kind has no way back'));

export const scenarios: Readonly<Record<OperationKind, Scenario>> = {
  'create-hosting': {
    open: openWorld,
    prepare: () => Promise.resolve(),
    accept: createHosting,
    done: async (world, { stackId }) => {
      const traces = await tracesOf(world);
      expect(traces).toMatchObject({
        hostings: [{ id: stackId, status: 'running' }],
        domains: [expect.any(String)],
        volumes: [expect.any(String), expect.any(String)],
      });
      for (const name of ['served', 'ports', 'addresses', 'routes', 'stacks', 'workspaces'])
        expect([name, traces[name]]).toEqual([name, [expect.anything()]]);
    },
    undone: async (world, { operationId, stackId }, before) => {
      expect(await tracesOf(world)).toEqual(before);
      const { failure } = await getOperation(world.parts.database.direct, operationId);
      expect(await findHosting(world.parts.database.direct, stackId)).toMatchObject({
        status: 'failed',
        failureCode: failure?.code,
      });
      // and the next request is served
      const again = await createHosting(world);
      await world.work(again.stackId);
      await scenarios['create-hosting'].done(world, again, before);
    },
  },
  'delete-hosting': {
    open: openWorld,
    prepare: runningHosting,
    accept: async (world) => {
      const { user, hostingId } = await onlyHosting(world);
      return { operationId: (await world.engine.hostings.delete(user)).id, stackId: hostingId };
    },
    done: async (world, _, opened) => {
      expect(await tracesOf(world)).toEqual(opened);
    },
    undone: noWayBack,
  },
  'remove-orphan': {
    open: openWorld,
    // its row says that it has ended, and everything is still there
    prepare: async (world) => {
      await runningHosting(world);
      await asIfHostingWas(world.parts.database.direct, 'deleted');
    },
    accept: async (world) => {
      const [orphan] = (await tracesOf(world)).ports as { hosting_id: string }[];
      return insert(world, 'remove-orphan', orphan!.hosting_id);
    },
    done: async (world, _, opened) => {
      expect(await tracesOf(world)).toEqual(opened);
    },
    undone: noWayBack,
  },
  'plan-apply': {
    open: openWorld,
    prepare: async (world) => {
      await runningHosting(world);
      world.host.domains.clear();
    },
    accept: async (world) => insert(world, 'plan-apply', (await onlyHosting(world)).hostingId),
    done: async (world, { operationId, stackId }) => {
      const steps = await stepsOf(world.parts.database.direct, operationId);
      expect(steps.at(-1)?.output).toEqual({
        changes: true,
        differences: ['libvirt_domain.vm: create'],
        news: true,
      });
      await expectHostingWithoutDomain(world, stackId);
    },
    undone: async (world, { stackId }, before) => {
      expect(await tracesOf(world)).toEqual(before);
      await expectHostingWithoutDomain(world, stackId);
    },
  },
  'apply-hosting': {
    open: openWorld,
    prepare: async (world) => {
      await runningHosting(world);
      world.host.domains.clear();
    },
    accept: async (world) => {
      const input = { recreateDisk: false, agreed: null };
      return insert(world, 'apply-hosting', (await onlyHosting(world)).hostingId, input);
    },
    done: (world, accepted) => scenarios['create-hosting'].done(world, accepted, {}),
    // Nothing is undone: what was mended stays mended, and the rest shows as drift until the next try.
    undone: async (world, { stackId }) => {
      const again = await insert(world, 'apply-hosting', stackId, { recreateDisk: false, agreed: null });
      await world.work(stackId);
      await scenarios['create-hosting'].done(world, again, {});
    },
  },
  'plan-create': {
    open: openWorld,
    prepare: () => Promise.resolve(),
    accept: async (world) => {
      const { id } = await world.newUser();
      return insert(world, 'plan-create', randomUUID(), {
        userId: id,
        sshPublicKey: `ssh-ed25519 ${'A'.repeat(68)}`,
      });
    },
    done: async (world, { operationId }, opened) => {
      expect(await tracesOf(world)).toEqual(opened);
      const report = await planReport(world.parts.database.direct, operationId);
      expect(report.differences).toEqual([
        'libvirt_volume.root: create',
        'libvirt_cloudinit_disk.cidata: create',
        'libvirt_domain.vm: create',
      ]);
    },
    undone: async (world, _, before) => {
      expect(await tracesOf(world)).toEqual(before);
    },
  },
  'plan-delete': {
    open: openWorld,
    prepare: runningHosting,
    accept: async (world) => insert(world, 'plan-delete', (await onlyHosting(world)).hostingId),
    done: async (world, accepted) => {
      await scenarios['create-hosting'].done(world, accepted, {});
      const report = await planReport(world.parts.database.direct, accepted.operationId);
      expect(report.changes.map(({ action }) => action)).toEqual(['delete', 'delete', 'delete']);
    },
    undone: async (world, _, before) => {
      expect(await tracesOf(world)).toEqual(before);
    },
  },
  'eject-hosting': {
    open: openWorld,
    prepare: runningHosting,
    accept: async (world) =>
      acceptedBy(world, async () => eject(idle(world), command, await onlyVmName(world), noTarget)),
    done: expectEjected,
    undone: async (world, _, before) => {
      expect(await tracesOf(world)).toEqual(before);
    },
  },
  'adopt-hosting': {
    open: openWorld,
    prepare: async (world) => {
      await runningHosting(world);
      bundle = await ejected(world, await onlyVmName(world));
    },
    accept: async (world) => acceptedBy(world, () => adopt(idle(world), command, readFrom(bundle))),
    done: async (world, accepted) => {
      await scenarios['create-hosting'].done(world, accepted, {});
      expect((await tracesOf(world)).ejections).toEqual([]);
    },
    undone: async (world, _, before) => {
      expect(await tracesOf(world)).toEqual(before);
    },
  },
  'prepare-node': {
    open: emptyNode,
    prepare: () => Promise.resolve(),
    accept: (world) => prepare(world),
    done: expectPrepared,
    // Nothing is undone: what has been made of pool, network and images serves the next try. But nothing is placed on
    // the node unless all of it is there, and the next try succeeds.
    undone: async (world, _, before) => {
      const { domains, hostings, nodes } = await tracesOf(world);
      expect([domains, hostings]).toEqual([before.domains, before.hostings]);
      if ((await node(world)).prepared !== null) await expectPrepared(world);
      else expect(nodes).toEqual(before.nodes);
      await world.work((await prepare(world)).stackId);
      await expectPrepared(world);
    },
  },
  'remove-node': {
    open: emptyNode,
    prepare: async (world) => {
      await world.work((await prepare(world)).stackId);
      await expectPrepared(world);
    },
    accept: async (world) => insert(world, 'remove-node', (await node(world)).stackId),
    done: async (world, _, opened) => {
      expect(await tracesOf(world)).toEqual(opened);
    },
    undone: noWayBack,
  },
  ...spareScenarios(openWorld, createHosting, () => scenarios['create-hosting']),
  ...sleepScenarios(openWorld, runningHosting, (world, accepted) =>
    scenarios['create-hosting'].done(world, accepted, {}),
  ),
};

/** Worlds in which steps are taken that an operation passes over in that of its kind. */
export const moreScenarios: readonly {
  readonly kind: OperationKind;
  readonly title: string;
  readonly steps: readonly string[];
  readonly scenario: Scenario;
}[] = [
  {
    kind: 'apply-hosting',
    title: 'apply-hosting to a VM that sleeps',
    steps: [...wakeSteps.steps.map(({ name }) => name), 'wake'],
    scenario: {
      ...scenarios['apply-hosting'],
      prepare: scenarios['wake-hosting'].prepare,
      done: async (world, accepted, opened) => {
        await scenarios['apply-hosting'].done(world, accepted, opened);
        expect([...world.host.domains.values()]).toEqual(['running']);
      },
    },
  },
  {
    kind: 'claim-spare',
    title: 'claim-spare of one that does not answer',
    steps: ['discard', 'synthesize', 'init', 'plan', 'check', 'apply', 'boot'],
    scenario: {
      ...scenarios['claim-spare'],
      prepare: async (world) => {
        await scenarios['claim-spare'].prepare(world);
        world.host.faults.fail('agent', new EngineError('guest_unreachable', 'silent'), 10);
      },
    },
  },
];

async function createHosting(world: World): Promise<Accepted> {
  const { hosting, operation } = await world.engine.hostings.create(await world.newUser(), {});
  return { operationId: operation.id, stackId: hosting.id };
}

async function runningHosting(world: World): Promise<void> {
  const accepted = await createHosting(world);
  await world.work(accepted.stackId);
  await scenarios['create-hosting'].done(world, accepted, {});
}

const command = { who: 'operator tests', handover: new AbortController().signal };
const noTarget = { write: () => Promise.resolve(), discard: () => Promise.resolve() };
/** What was ejected last. */
let bundle: readonly BundleFile[] = [];

async function onlyVmName({ parts }: World): Promise<string> {
  const [row]: { vm_name: string }[] = await parts.database.direct.query(`SELECT vm_name FROM hostings`);
  return row!.vm_name;
}

/** Ejects and keeps the files. */
export async function ejected(world: World, name: string): Promise<readonly BundleFile[]> {
  let files: readonly BundleFile[] = [];
  const write = (written: readonly BundleFile[]): Promise<void> => Promise.resolve(void (files = written));
  await eject(world, command, name, { write, discard: () => Promise.reject(new Error('discarded')) });
  return files;
}

export function readFrom(files: readonly BundleFile[]) {
  return (path: string): Promise<Buffer | null> =>
    Promise.resolve(files.find((file) => file.path === path)?.content ?? null);
}

/** A world in which what is accepted waits for another worker. */
function idle(world: World): World {
  return { ...world, runner: { perform: () => Promise.reject(waiting) } };
}
const waiting = new Error('waits for another worker');

async function acceptedBy({ parts }: World, act: () => Promise<unknown>): Promise<Accepted> {
  await act().catch((thrown: unknown) => {
    if (thrown !== waiting) throw thrown;
  });
  const [newest]: { id: string; stack_id: string }[] = await parts.database.direct.query(
    `SELECT id, stack_id FROM operations ORDER BY created_at DESC LIMIT 1`,
  );
  return { operationId: newest!.id, stackId: newest!.stack_id };
}

async function expectEjected(world: World, { stackId }: Accepted): Promise<void> {
  expect(await tracesOf(world)).toMatchObject({
    hostings: [{ id: stackId, status: 'ejected' }],
    addresses: [{ hosting_id: stackId }],
    ejections: [{ hosting_id: stackId }],
    domains: [expect.any(String)],
    volumes: [expect.any(String), expect.any(String)],
    ...{ served: [], ports: [], routes: [], stacks: [], workspaces: [] },
  });
}

async function onlyHosting({ parts }: World) {
  const [row]: { id: string; user_id: number }[] = await parts.database.direct.query(
    `SELECT id, user_id FROM hostings`,
  );
  return {
    hostingId: row!.id,
    user: { id: row!.user_id } as Parameters<World['engine']['hostings']['delete']>[0],
  };
}

async function expectHostingWithoutDomain(world: World, id: string): Promise<void> {
  expect(await tracesOf(world)).toMatchObject({
    hostings: [{ id, status: 'running' }],
    domains: [],
    volumes: [expect.any(String), expect.any(String)],
    served: [expect.anything()],
    stacks: [{ id, kind: 'hosting' }],
  });
}

/** A node on which nothing has been prepared. */
async function emptyNode(): Promise<World> {
  const world = await openWorld({}, { images: fakeImages });
  world.host.active.clear();
  await asIfNeverPrepared(world.parts.database.direct);
  return world;
}

async function node({ config, parts }: World) {
  return (await findNode(parts.database.direct, config.NODE_NAME))!;
}

async function prepare(world: World): Promise<Accepted> {
  const input = { fingerprint: nodeFingerprint(world.config, builtImage) };
  return insert(world, 'prepare-node', (await node(world)).stackId, input);
}

async function expectPrepared(world: World): Promise<void> {
  const { config, host, parts } = world;
  const volume = `base-micro-${builtImage.checksum.slice(0, 16)}.qcow2`;
  expect(await isPrepared(parts, nodeFingerprint(config, builtImage))).toBe(true);
  expect(await node(world)).toMatchObject({
    domainType: 'qemu',
    images: { micro: { baseVolumePath: `${config.POOL_DIR}/${volume}` } },
  });
  expect([...host.volumes]).toEqual([`${config.POOL_NAME}/${volume}`]);
}

async function insert(
  { parts }: World,
  kind: OperationKind,
  stackId: string,
  input: Record<string, unknown> = {},
): Promise<Accepted> {
  const { steps } = definitionOf(kind);
  const { id } = await insertOperation(parts.database.direct, { kind, stackId, input, steps });
  return { operationId: id, stackId };
}
