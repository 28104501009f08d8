/** Who is served when, and what those who wait are told of it. */
import { randomUUID } from 'node:crypto';
import type { OperationKind, User } from '../../engine';
import { accept } from '../../engine/durable';
import { openWorld, type World } from '../worlds/world';
import { asIfJobsWere, asIfRunning, endedBefore, type Span } from '../support/rows';
import { definitionOf } from '../support/definitions';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

/** What a user asks for beside their hosting, as often as they like. */
function plan(user: User): Promise<string> {
  const input = { userId: user.id, sshPublicKey: 'none' };
  return accepted('plan-create', { stackId: randomUUID(), userId: user.id, input });
}

async function accepted(kind: OperationKind, wanted: Parameters<typeof accept>[3]): Promise<string> {
  const { parts } = world;
  return (await parts.database.transaction((tx) => accept(parts, tx, definitionOf(kind), wanted))).id;
}

/** The stacks' operations in the order in which a worker takes them. */
async function order(): Promise<string[]> {
  const rows: { id: string }[] = await world.parts.database.direct.query(
    `SELECT o.id FROM graphile_worker.jobs j JOIN operations o ON o.stack_id::text = j.key
     ORDER BY j.priority, j.run_at, j.id`,
  );
  return rows.map(({ id }) => id);
}

const take = (operationId: string, startedSecondsAgo: number): Promise<void> =>
  asIfRunning(world.parts.database.direct, operationId, startedSecondsAgo);

/** One operation for each of the numbers. */
async function took(kind: string, seconds: readonly number[], endedAgo: Span = '1 min'): Promise<void> {
  for (const each of seconds) await endedBefore(world.parts.database.direct, kind, each, endedAgo);
}

describe('the queue', () => {
  it('the queue serves everybody once before anybody twice, and background work last', async () => {
    const [greedy, modest] = [await world.newUser(), await world.newUser()];
    const look = await accepted('plan-apply', { stackId: randomUUID() });
    const first = await plan(greedy);
    const second = await plan(greedy);
    const third = await plan(greedy);
    const only = await plan(modest);
    expect(await order()).toEqual([first, only, second, third, look]);
  });

  it('the queue treats a drift check that a user asks for like their other operations', async () => {
    const [one, other] = [await world.newUser(), await world.newUser()];
    const look = await accepted('plan-apply', { stackId: randomUUID(), userId: one.id });
    const later = await plan(other);
    expect(await order()).toEqual([look, later]);
  });
});

describe('an operation that waits', () => {
  const ask = async (user: User, id: string) => {
    const { queuePosition, estimatedSeconds } = await world.engine.operations.get(user, id);
    return { queuePosition, estimatedSeconds };
  };

  it('a waiting operation knows its place, and no estimate before one of its kind has ended', async () => {
    const users = [await world.newUser(), await world.newUser(), await world.newUser()];
    const ids: string[] = [];
    for (const user of users) ids.push((await world.engine.hostings.create(user, {})).operation.id);
    for (const [index, user] of users.entries())
      expect(await ask(user, ids[index]!)).toEqual({ queuePosition: index + 1, estimatedSeconds: null });

    await take(ids[0]!, 0);
    expect(await ask(users[0]!, ids[0]!)).toEqual({ queuePosition: null, estimatedSeconds: null });
    expect((await ask(users[2]!, ids[2]!)).queuePosition).toBe(2);
  });

  it('a waiting operation’s estimate is what those before it are likely to need, divided by those that run', async () => {
    await took('create-hosting', [10, 20, 60]);
    // another kind, and one of another day, say nothing of it
    await took('delete-hosting', [3]);
    await took('create-hosting', [900, 900, 900, 900], '2 h');
    const users: User[] = [];
    for (let n = 0; n < 5; n++) users.push(await world.newUser());
    const ids: string[] = [];
    for (const user of users) ids.push((await world.engine.hostings.create(user, {})).operation.id);
    await take(ids[0]!, 5);
    await take(ids[1]!, 15);
    const near = (seconds: number) => [seconds - 1, seconds, seconds + 1];
    // the median is 20: 15 and 5 are left of the two that run
    expect(near(15)).toContain((await ask(users[0]!, ids[0]!)).estimatedSeconds);
    expect(near((15 + 5) / 2 + 20)).toContain((await ask(users[2]!, ids[2]!)).estimatedSeconds);
    expect(near((15 + 5 + 20 + 20) / 2 + 20)).toContain((await ask(users[4]!, ids[4]!)).estimatedSeconds);
  });

  it('an operation that is late has an estimate of 0, and none once it has ended', async () => {
    await took('create-hosting', [10]);
    const user = await world.newUser();
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    await take(operation.id, 30);
    expect(await ask(user, operation.id)).toEqual({ queuePosition: null, estimatedSeconds: 0 });
    await asIfJobsWere(world.parts.database.direct, 'free');
    await world.work(hosting.id);
    expect(await ask(user, operation.id)).toEqual({ queuePosition: null, estimatedSeconds: null });
  });
});
