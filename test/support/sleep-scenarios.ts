/** The scenarios of hostings that fall asleep and wake. */
import { acceptSleep, acceptWake } from '../../engine/sleep';
import type { Accepted, Scenario } from './scenarios';
import { tracesOf } from './traces';
import type { World } from '../worlds/world';

/**
 * @param open  opens a world in which nothing was made
 * @param runningHosting  makes the hosting
 * @param expectRunning  that it is as a create leaves it
 */
export function sleepScenarios(
  open: () => Promise<World>,
  runningHosting: (world: World) => Promise<void>,
  expectRunning: (world: World, accepted: Accepted) => Promise<void>,
): Record<'sleep-hosting' | 'wake-hosting', Scenario> {
  const expectAwake = async (world: World, accepted: Accepted): Promise<void> => {
    await expectRunning(world, accepted);
    const { host, parts } = world;
    expect([...host.domains.values()]).toEqual(['running']);
    expect((await tracesOf(world)).served).toEqual([
      expect.not.objectContaining({ asleep: accepted.stackId }),
    ]);
    const [[name, at] = []] = host.clocks;
    expect([name, at! <= parts.clock.now()]).toEqual([(await onlyHosting(world)).vmName, true]);
    expect(host.restored).toContain(name);
    expect(host.fences.size).toBe(2);
  };
  return {
    'sleep-hosting': {
      open,
      prepare: runningHosting,
      accept: sleepAccepted,
      done: expectAsleep,
      undone: async (world, _, before) => {
        expect(await tracesOf(world)).toEqual(before);
        expect([...world.host.domains.values()]).toEqual(['running']);
      },
    },
    'wake-hosting': {
      open,
      prepare: async (world) => {
        await runningHosting(world);
        const accepted = await sleepAccepted(world);
        await world.work(accepted.stackId);
        await expectAsleep(world, accepted);
      },
      accept: wakeAccepted,
      done: expectAwake,
      undone: async (world, accepted, before) => {
        expect(await tracesOf(world)).toEqual(before);
        await expectAsleep(world, accepted);
        // and the next visitor wakes it
        const again = await wakeAccepted(world);
        await world.work(again.stackId);
        await expectAwake(world, again);
      },
    },
  };
}

async function sleepAccepted(world: World): Promise<Accepted> {
  const { parts } = world;
  const { id } = await onlyHosting(world);
  const sleep = await parts.database.transaction((tx) => acceptSleep(parts, tx, id, { force: false }));
  return { operationId: sleep!.id, stackId: id };
}

async function wakeAccepted(world: World): Promise<Accepted> {
  const { parts } = world;
  const { id } = await onlyHosting(world);
  const wake = await parts.database.transaction((tx) => acceptWake(parts, tx, id));
  return { operationId: wake!.id, stackId: id };
}

async function expectAsleep(world: World, { stackId }: Pick<Accepted, 'stackId'>): Promise<void> {
  expect(await tracesOf(world)).toMatchObject({
    hostings: [{ id: stackId, status: 'sleeping' }],
    served: [{ asleep: stackId }],
    domains: [expect.any(String)],
    volumes: [expect.any(String), expect.any(String)],
    ...{ ports: [expect.anything()], addresses: [expect.anything()], stacks: [expect.anything()] },
  });
  expect([...world.host.domains.values()]).toEqual(['saved']);
}

async function onlyHosting({ parts }: World): Promise<{ id: string; vmName: string }> {
  const [row]: { id: string; vmName: string }[] = await parts.database.direct.query(
    `SELECT id, vm_name AS "vmName" FROM hostings`,
  );
  return row!;
}
