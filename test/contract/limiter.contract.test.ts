import { type Limiter, memoryLimiter } from '../../engine/base/limits';
import { type Database, openDatabase } from '../../engine/store/database';
import { deleteEndedLimits, postgresLimiter } from '../../engine/store/limits';
import { cloneDatabase } from '../support/postgres';
import { endRateLimits } from '../support/rows';

const limit = { points: 3, seconds: 60 };
let database: Database;
beforeAll(async () => {
  database = await openDatabase(await cloneDatabase());
});
afterAll(() => database.close());

const makers: Record<string, () => { limiter: Limiter; pass: () => Promise<void> }> = {
  'in memory': () => {
    let now = 0;
    return {
      limiter: memoryLimiter(limit, () => now),
      pass: () => Promise.resolve(void (now += 61_000)),
    };
  },
  'in PostgreSQL': () => ({
    limiter: postgresLimiter(database.direct, limit),
    pass: () => endRateLimits(database.direct),
  }),
};

describe.each(Object.entries(makers))('a limiter %s', (name, make) => {
  it('allows so many, then none until the window has passed', async () => {
    const { limiter, pass } = make();
    const key = `${name} 1`;
    const taken = [];
    for (let count = 0; count < 5; count++) taken.push(await limiter.take(key));
    expect(taken.map(({ allowed }) => allowed)).toEqual([true, true, true, false, false]);
    expect(taken.map(({ left }) => left)).toEqual([2, 1, 0, 0, 0]);
    for (const { seconds } of taken) expect([seconds > 55, seconds <= 60]).toEqual([true, true]);
    await pass();
    expect(await limiter.take(key)).toMatchObject({ allowed: true, left: 2 });
  });

  it('counts each key, and several points at once', async () => {
    const { limiter } = make();
    expect(await limiter.take(`${name} 2`, 3)).toMatchObject({ allowed: true, left: 0 });
    expect(await limiter.take(`${name} 2`)).toMatchObject({ allowed: false });
    expect(await limiter.take(`${name} 3`, 4)).toMatchObject({ allowed: false });
    expect(await limiter.take(`${name} 4`)).toMatchObject({ allowed: true, left: 2 });
  });

  it('forgets', async () => {
    const { limiter } = make();
    await limiter.take(`${name} 5`, 4);
    await limiter.forget(`${name} 5`);
    expect(await limiter.take(`${name} 5`)).toMatchObject({ allowed: true, left: 2 });
  });

  it('lets no more through than there are when many ask at once', async () => {
    const { limiter } = make();
    const taken = await Promise.all(Array.from({ length: 30 }, () => limiter.take(`${name} 6`)));
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(3);
  });
});

it('in PostgreSQL keeps nothing of windows that have passed', async () => {
  await postgresLimiter(database.direct, limit).take('old');
  await endRateLimits(database.direct, { key: 'old' });
  await deleteEndedLimits(database.direct);
  expect(await database.direct.query(`SELECT 1 FROM rate_limits WHERE key = 'old'`)).toEqual([]);
});
