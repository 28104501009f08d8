/** What is known of drift: on the hosting, in lists, in the metrics; and looks that fail. */
import { EngineError } from '../../engine/base/errors';
import { drift, plans } from '../../engine/plans';
import type { Hosting } from '../../engine/model/hosting';
import type { User } from '../../engine/model/account';
import { metrics } from '../../engine/monitoring';
import { dueForDriftCheck } from '../../engine/store/drift';
import { openWorld, type World } from '../worlds/world';
import {
  asIfHostingWas,
  askedForDriftAgo,
  checkedForDriftAgo,
  createdTogether,
  readyAgo,
} from '../support/rows';

let world: World;
let user: User;
let mine: Hosting;
beforeEach(async () => {
  world = await openWorld();
  [user, mine] = await newHosting();
});
afterEach(() => world.close());

async function newHosting(): Promise<[User, Hosting]> {
  const owner = await world.newUser();
  const { hosting } = await world.engine.hostings.create(owner, {});
  await world.work(hosting.id);
  return [owner, hosting];
}

async function look(hosting: Hosting = mine): Promise<void> {
  await plans(world.parts).request('operator', hosting.id);
  await world.work(hosting.id);
}

const found = async () => (await world.engine.hostings.mine(user)).drift;
const counts = async () => (await metrics(world.parts).read()).drift;
const rows = () => world.parts.database.direct;
const due = (olderThanSeconds: number, limit = 10): Promise<string[]> =>
  dueForDriftCheck(world.parts.database.direct, { olderThanSeconds, limit });
const planned = { code: 'plan_refused', message: 'planned failure' };
const never = { checkedAt: null, differences: [], lookFailed: false, lookFailure: null };

it('drift is empty before the first check, and then what the last check found', async () => {
  expect(await found()).toEqual(never);
  expect(await counts()).toMatchObject({ hostings: 0, failedLooks: 0 });
  world.host.domains.delete(mine.vmName);
  await look();
  expect(await found()).toEqual({
    checkedAt: expect.any(Date),
    differences: ['libvirt_domain.vm: create'],
    lookFailed: false,
    lookFailure: null,
  });
  expect(await counts()).toMatchObject({ hostings: 1, failedLooks: 0 });
  expect(await world.engine.hostings.get(user, mine.id)).toMatchObject({ drift: await found() });
  // two ways to read the same row
  expect(await world.engine.hostings.mine(user)).toEqual(await world.engine.hostings.get(user, mine.id));
  const [listed] = await world.engine.hostings.list(
    { names: [], labels: {}, olderThanSeconds: null },
    { limit: 5 },
  );
  expect(listed).toMatchObject({ id: mine.id, drift: await found() });
});

it('drift says that a check failed and keeps what the one before found, until one succeeds again', async () => {
  world.host.domains.delete(mine.vmName);
  await look();
  const before = await found();
  world.host.faults.fail('init', new EngineError('plan_refused', 'planned failure'));
  await look();
  expect(await found()).toEqual({ ...before, lookFailed: true, lookFailure: planned });
  expect(await counts()).toMatchObject({ hostings: 1, failedLooks: 1 });
  expect(await drift(world.parts).list({ limit: 200 })).toMatchObject([
    { vmName: mine.vmName, lookFailed: true },
  ]);
  await look();
  expect(await found()).toMatchObject({ lookFailed: false });
  expect(await counts()).toMatchObject({ failedLooks: 0 });
});

it('drift shows no failure while a check is under way, not even the first one', async () => {
  await plans(world.parts).request('operator', mine.id);
  expect(await found()).toEqual(never);
  world.host.faults.fail('init', new EngineError('plan_refused', 'planned failure'));
  await world.work(mine.id);
  expect(await found()).toEqual({ ...never, lookFailed: true, lookFailure: planned });
});

it('a drift check that fails waits for its next turn and does not hold up the others', async () => {
  const [, other] = await newHosting();
  await readyAgo(rows(), '2 h');
  await readyAgo(rows(), '3 h', { id: mine.id });
  expect(await due(3_600)).toEqual([mine.id, other.id]);
  world.host.faults.fail('init', new EngineError('plan_refused', 'planned failure'));
  await look();
  expect(await found()).toMatchObject({ lookFailed: true });
  expect(await due(3_600)).toEqual([other.id]);
  await askedForDriftAgo(rows(), '61 min');
  expect(await due(3_600)).toEqual([other.id, mine.id]);
});

it('the metrics show the age of the oldest drift check, counted from when the VM was ready if there was none', async () => {
  const [, other] = await newHosting();
  await look(other);
  await readyAgo(rows(), '300 s', { id: mine.id });
  await checkedForDriftAgo(rows(), '100 s');
  const seconds = (await counts()).oldestLookSeconds;
  expect(Math.abs(seconds - 300)).toBeLessThan(30);
  await look();
  await checkedForDriftAgo(rows(), '100 s', { stack_id: other.id });
  expect(Math.abs((await counts()).oldestLookSeconds - 100)).toBeLessThan(30);
  await asIfHostingWas(rows(), 'stopped');
  expect(await counts()).toEqual({ hostings: 0, failedLooks: 0, oldestLookSeconds: 0 });
});

it('the list of hostings continues from page to page without missing or repeating one', async () => {
  const all = [mine.id];
  for (let count = 0; count < 4; count++) all.push((await newHosting())[1].id);
  await createdTogether(rows());
  const filter = { names: [], labels: {}, olderThanSeconds: null };
  const seen: string[] = [];
  for (let after: string | undefined, pages = 0; pages < 5; pages++) {
    const page = await world.engine.hostings.list(filter, { limit: 2, after });
    seen.push(...page.map(({ id }) => id));
    after = page.at(-1)?.id ?? after;
  }
  expect(seen).toEqual([...all].sort());
});
