/** The scenarios of machines that are made ahead, given to somebody, and taken away. */
import { acceptDelete, acceptSpare, hostingSpec } from '../../engine/hostings';
import { findHosting, getOwnedHosting } from '../../engine/store/hostings';
import { getOperation } from '../../engine/store/operations';
import type { SpareTier } from '../../engine/store/spares';
import { findNode, findStack } from '../../engine/store/stacks';
import { findUser } from '../../engine/store/users';
import type { Accepted, Scenario } from './scenarios';
import { tracesOf } from './traces';
import type { World } from '../worlds/world';

/**
 * Spares of the second tier: they take every step.
 *
 * @param open  opens a world in which nothing was made
 * @param create  what a claim looks like to whoever asks
 * @param ofCreate  the scenario of a hosting that is made for its user
 */
export function spareScenarios(
  open: () => Promise<World>,
  create: (world: World) => Promise<Accepted>,
  ofCreate: () => Scenario,
): Record<'make-spare' | 'claim-spare' | 'remove-spare', Scenario> {
  return {
    'make-spare': {
      open,
      prepare: () => Promise.resolve(),
      accept: (world) => newSpare(world, 'saved'),
      done: expectSaved,
      undone: async (world, { stackId }, before) => {
        expect(await tracesOf(world)).toEqual(before);
        expect(await findHosting(world.parts.database.direct, stackId)).toMatchObject({ status: 'failed' });
        await savedSpare(world);
      },
    },
    'claim-spare': {
      open,
      prepare: savedSpare,
      accept: async (world) => {
        const accepted = await create(world);
        const { kind } = await getOperation(world.parts.database.direct, accepted.operationId);
        expect(kind).toBe('claim-spare');
        return accepted;
      },
      done: async (world, accepted, opened) => {
        await ofCreate().done(world, accepted, opened);
        await expectOwn(world, accepted.stackId);
        expect([...world.host.domains.values()]).toEqual(['running']);
      },
      // what was somebody's for a moment is never given to anybody else: as before, but without the spare
      undone: async (world, accepted, before) => {
        const none = { domains: [], volumes: [], served: [], workspaces: [], ports: [], addresses: [] };
        await ofCreate().undone(world, accepted, {
          ...before,
          ...none,
          ...{ routes: [], stacks: [], hostings: [] },
        });
      },
    },
    'remove-spare': {
      open,
      prepare: savedSpare,
      accept: async (world) => {
        const [row]: { id: string }[] = await world.parts.database.direct.query(`SELECT id FROM hostings`);
        const { id } = await world.parts.database.transaction((tx) => acceptDelete(world.parts, tx, row!));
        return { operationId: id, stackId: row!.id };
      },
      done: async (world, _, opened) => {
        expect(await tracesOf(world)).toEqual(opened);
      },
      undone: () => Promise.reject(new Error('this kind has no way back')),
    },
  };
}

async function newSpare({ parts }: World, tier: SpareTier): Promise<Accepted> {
  const { id, hostingId } = await parts.database.transaction((tx) => acceptSpare(parts, tx, tier));
  return { operationId: id, stackId: hostingId! };
}

/** One that runs. */
export async function waitingSpare(world: World): Promise<void> {
  await world.work((await newSpare(world, 'running')).stackId);
  expect(await tracesOf(world)).toMatchObject({ hostings: [{ status: 'spare' }] });
}

async function savedSpare(world: World): Promise<void> {
  const accepted = await newSpare(world, 'saved');
  await world.work(accepted.stackId);
  await expectSaved(world, accepted);
}

async function expectSaved(world: World, { stackId }: Accepted): Promise<void> {
  const traces = await tracesOf(world);
  expect([...world.host.domains.values()]).toEqual(['saved']);
  expect(traces).toMatchObject({
    hostings: [{ id: stackId, status: 'saved' }],
    domains: [expect.any(String)],
    volumes: [expect.any(String), expect.any(String)],
    ...{ served: [], routes: [] },
  });
  for (const name of ['ports', 'addresses', 'stacks', 'workspaces'])
    expect([name, traces[name]]).toEqual([name, [expect.anything()]]);
}

/** Everything of the hosting is its user's: specification, cloud-init disk, page, host keys. */
export async function expectOwn({ host, parts, config }: World, id: string): Promise<void> {
  const hosting = await getOwnedHosting(parts.database.direct, id);
  const [owner, node, stack] = await Promise.all([
    findUser(parts.database.direct, hosting.userId),
    findNode(parts.database.direct, hosting.node),
    findStack(parts.database.direct, id),
  ]);
  const spec = hostingSpec(hosting, owner!, node!, config);
  expect(stack?.spec).toEqual(spec);
  expect(host.userData.get(`${config.POOL_NAME}/${id}-cidata.iso`)).toBe(spec.cloudInit.userData);
  expect(host.pages.get(hosting.ip)).toContain(`Hello, ${owner!.username}`);
  expect(await host.guest.sshHostKeys(hosting.ip)).toEqual(hosting.sshHostKeys);
}
