/** What a new hosting is given: the lowest port and address that nobody has, once each. */
import { EngineError } from '../../engine/base/errors';
import { freePort } from '../../engine/store/hostings';
import { openWorld, type World } from '../worlds/world';
import { loseReservations } from '../support/rows';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const first = 10_000;
const lowest = (range: readonly [number, number], taken: readonly number[] = []): Promise<number> =>
  freePort(world.parts.database.direct, {
    sshPorts: range,
    canListen: (port) => Promise.resolve(!taken.includes(port)),
  });

async function create(): Promise<{ sshPort: number; ip: string }> {
  const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
  return hosting;
}

it('a create gets the lowest free port and address, including those that were given back', async () => {
  const made = [await create(), await create(), await create()];
  expect(made.map(({ sshPort }) => sshPort)).toEqual([first, first + 1, first + 2]);
  expect(new Set(made.map(({ ip }) => ip)).size).toBe(3);
  const { direct } = world.parts.database;
  await loseReservations(direct, 'ssh_ports', { port: first + 1 });
  await loseReservations(direct, 'address_leases', { ip: made[1]!.ip });
  expect(await create()).toMatchObject({ sshPort: first + 1, ip: made[1]!.ip });
  expect((await create()).sshPort).toBe(first + 3);
});

it('the search for a port finds the only gap, the first and the last one, and says when there is none', async () => {
  const { sshPort } = await create();
  expect(await lowest([sshPort, sshPort + 1])).toBe(sshPort + 1);
  expect(await lowest([sshPort - 1, sshPort + 1])).toBe(sshPort - 1);
  expect(await lowest([sshPort + 5, sshPort + 5])).toBe(sshPort + 5);
  await expect(lowest([sshPort, sshPort])).rejects.toMatchObject({ code: 'ports_exhausted' });
  await expect(lowest([sshPort, sshPort])).rejects.toBeInstanceOf(EngineError);
});

it('the search for a port passes over those that another program holds', async () => {
  await create();
  expect(await lowest([first, first + 9], [first + 1, first + 2])).toBe(first + 3);
  await expect(lowest([first, first + 2], [first + 1, first + 2])).rejects.toMatchObject({
    code: 'ports_exhausted',
  });
});
