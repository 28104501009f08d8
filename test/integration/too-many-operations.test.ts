/** One user cannot fill the queue with plans: each is a run of Terraform, and dry runs cost who asks nothing. */
import { openWorld, type World } from '../worlds/world';

jest.setTimeout(60_000);

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

it('unfinished operations are limited, whoever asks for them, until some of them end', async () => {
  const [user, other] = [await world.newUser(), await world.newUser()];
  const { plans, hostings, operations } = world.engine;
  const { hosting, operation: making } = await hostings.create(user, {});
  const asked = [];
  for (let count = 0; count < 19; count++) asked.push(await plans.requestNew(user, {}));
  const refused = { code: 'too_many_operations' };
  await expect(plans.requestNew(user, {})).rejects.toMatchObject(refused);
  await expect(plans.requestDelete(user, hosting.id)).rejects.toMatchObject(refused);
  await expect(plans.apply(user, hosting.id, { recreateDisk: false, agreed: null })).rejects.toMatchObject(
    refused,
  );
  // others, the operator, and getting rid of it are not kept waiting
  await expect(plans.requestNew(other, {})).resolves.toBeDefined();
  await expect(plans.requestDelete('operator', hosting.id)).resolves.toBeDefined();
  await world.work(hosting.id);
  expect((await operations.get(user, making.id)).status).toBe('succeeded');
  await expect(plans.requestNew(user, {})).resolves.toBeDefined();
  await expect(hostings.delete(user)).resolves.toBeDefined();
});
