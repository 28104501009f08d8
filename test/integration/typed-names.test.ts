/** Which hosting a typed name means: no username is ever another's VM, and what can mean two is refused. */
import type { NamedHosting } from '../../engine/model/hosting';
import type { User } from '../../engine/model/account';
import { EngineError } from '../../engine/base/errors';
import { machineOperator } from '../../engine/operator';
import { getHosting } from '../../engine/store/hostings';
import { hostingNamed } from '../../engine/hostings';
import { openWorld, type World } from '../worlds/world';
import { asIfHostingWas, renameUser } from '../support/rows';

jest.setTimeout(30_000);

const never = new AbortController().signal;
let world: World;
let victim: { user: User; id: string; vmName: string };
let squatter: { user: User; id: string; vmName: string };

beforeEach(async () => {
  world = await openWorld();
  [victim, squatter] = [await withHosting(), await withHosting()];
  // an account that is older than the rule about names
  await renameUser(world.parts.database.direct, squatter.user.id, victim.vmName);
});
afterEach(() => world.close());

async function withHosting(): Promise<typeof victim> {
  const user = await world.newUser();
  const { id, vmName } = (await world.engine.hostings.create(user, {})).hosting;
  await world.work(id);
  return { user, id, vmName };
}

const onMachine = () => machineOperator(world, { who: 'operator mina', handover: never });
const operator = () => onMachine().hostings;
const statusOf = async (id: string): Promise<string> =>
  (await getHosting(world.parts.database.direct, id)).status;
const selected = async (...names: string[]): Promise<string[]> =>
  (await operator().select({ names, labels: {}, olderThanSeconds: null })).map(({ id }: NamedHosting) => id);

it('a VM’s name puts that VM to sleep, and not the VM of a user with that name', async () => {
  await onMachine().putToSleep(victim.vmName, { force: true });
  expect([await statusOf(victim.id), await statusOf(squatter.id)]).toEqual(['sleeping', 'running']);
});

it('a teardown takes each named hosting once', async () => {
  expect(await selected(victim.vmName)).toEqual([victim.id]);
  expect(await selected(victim.id.toUpperCase())).toEqual([victim.id]);
  expect(await selected(victim.user.username)).toEqual([victim.id]);
  expect(await selected(squatter.vmName)).toEqual([squatter.id]);
  expect(await selected(`user:${victim.vmName}`)).toEqual([squatter.id]);
  expect((await selected(victim.id, victim.vmName, squatter.id)).sort()).toEqual(
    [victim.id, squatter.id].sort(),
  );
  expect(await selected('-', '', '*', 'a\0b', "' OR 1=1")).toEqual([]);
});

it('the same text names the same hosting for every command', async () => {
  for (const text of [victim.vmName, ` ${victim.vmName.toUpperCase()} `, victim.id, victim.user.username]) {
    expect((await operator().find(text)).id).toBe(victim.id);
    expect((await hostingNamed(world.parts.database.direct, text)).id).toBe(victim.id);
  }
  for (const text of [squatter.vmName, squatter.id, `user:${victim.vmName}`]) {
    expect((await operator().find(text)).id).toBe(squatter.id);
    expect((await hostingNamed(world.parts.database.direct, text)).id).toBe(squatter.id);
  }
});

it('a VM’s name that no VM has any more matches nothing, and the error says how to name the user', async () => {
  const gone = 'vm-00000000';
  await renameUser(world.parts.database.direct, squatter.user.id, gone);
  const told = /No hosting matches "vm-00000000".*; user:vm-00000000 would be the user of that name/;
  await expect(operator().find(gone)).rejects.toThrow(told);
  await expect(hostingNamed(world.parts.database.direct, gone)).rejects.toThrow(told);
  expect(await selected(gone)).toEqual([]);
});

it('a user with several ejected hostings is ambiguous, and an id is required', async () => {
  const { user, id } = victim;
  await asIfHostingWas(world.parts.database.direct, 'ejected', { id });
  const second = (await world.engine.hostings.create(user, {})).hosting.id;
  // while one lives it is meant
  expect((await hostingNamed(world.parts.database.direct, user.username)).id).toBe(second);
  await world.work(second);
  await asIfHostingWas(world.parts.database.direct, 'ejected', { id: second });
  const refusal = await hostingNamed(world.parts.database.direct, user.username).catch(
    (thrown: unknown) => thrown,
  );
  expect(refusal).toBeInstanceOf(EngineError);
  expect(refusal).toMatchObject({ code: 'validation_failed', details: { candidates: [second, id] } });
  expect((refusal as Error).message).toContain(`${id} (${victim.vmName} of ${user.username})`);
  expect((await hostingNamed(world.parts.database.direct, id)).id).toBe(id);
});
