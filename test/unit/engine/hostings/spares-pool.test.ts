import { planPool, type PoolFacts, wantedSpares } from '../../../../engine/hostings/spares/pool';
import type { Spare } from '../../../../engine/store/spares';

const config = {
  WARM_POOL_SIZE: 2,
  WARM_POOL_MAX: 0,
  WARM_POOL_SAVED: 0,
  WARM_POOL_BOOTS: 1,
  WARM_POOL_MIN_FREE_MIB: 1000,
  VM_MEMORY_MIB: 500,
};
const spare = (id: string, change: Partial<Spare> = {}): Spare => ({
  id,
  vmName: `vm-${id}`,
  status: 'spare',
  tier: 'running',
  fits: true,
  ...change,
});
const facts = (change: Partial<PoolFacts> = {}): PoolFacts => ({
  spares: [],
  dead: new Set(),
  busiest: 0,
  claims: 0,
  freeMiB: 100_000,
  failing: { failures: 0, secondsAgo: 0 },
  ...change,
});
const nothing = { make: [], remove: [] };

describe('how many spares are wanted', () => {
  it.each([
    [2, 0, 9, 2],
    [2, 5, 0, 2],
    [2, 5, 4, 4],
    [2, 5, 9, 5],
    [0, 5, 0, 0],
    [0, 0, 9, 0],
  ])(
    'spares wanted with size %i, at most %i, %i creates in the busiest ten minutes: %i',
    (size, max, busiest, wanted) => {
      expect(wantedSpares({ ...config, WARM_POOL_SIZE: size, WARM_POOL_MAX: max }, busiest)).toBe(wanted);
    },
  );
});

describe('the plan of the pool', () => {
  it('the pool makes no more spares at a time than may boot', () => {
    expect(planPool(config, facts())).toEqual({ make: ['running'], remove: [] });
    expect(planPool({ ...config, WARM_POOL_BOOTS: 5 }, facts())).toEqual({
      make: ['running', 'running'],
      remove: [],
    });
    expect(planPool(config, facts({ spares: [spare('a', { status: 'warming' })] }))).toEqual(nothing);
  });

  it('the pool plans nothing when as many spares wait as are wanted', () => {
    expect(planPool(config, facts({ spares: [spare('a'), spare('b')] }))).toEqual(nothing);
  });

  it('the pool removes surplus spares, those still being made first', () => {
    const spares = [spare('a'), spare('b'), spare('c', { status: 'warming' }), spare('d')];
    expect(planPool(config, facts({ spares })).remove).toEqual(['c', 'a']);
    expect(planPool({ ...config, WARM_POOL_SIZE: 0 }, facts({ spares })).remove).toEqual([
      'c',
      'a',
      'b',
      'd',
    ]);
  });

  it('the pool replaces spares that no longer fit or do not run', () => {
    const spares = [spare('old', { fits: false }), spare('dead')];
    expect(planPool(config, facts({ spares, dead: new Set(['dead']) }))).toEqual({
      make: ['running'],
      remove: ['old', 'dead'],
    });
  });

  it('the pool makes no spare without free memory, counting those that boot', () => {
    const boots = { ...config, WARM_POOL_SIZE: 9, WARM_POOL_BOOTS: 9 };
    expect(planPool(boots, facts({ freeMiB: 1499 })).make).toHaveLength(0);
    expect(planPool(boots, facts({ freeMiB: 2000 })).make).toHaveLength(2);
    const spares = [spare('a', { status: 'warming' })];
    expect(planPool(boots, facts({ freeMiB: 2000, spares })).make).toHaveLength(1);
  });

  it('the pool makes no spare while a claim is under way', () => {
    expect(planPool(config, facts({ claims: 1 }))).toEqual(nothing);
  });

  it('the pool removes one spare at a time when memory is short', () => {
    const spares = [spare('a'), spare('b')];
    expect(planPool(config, facts({ spares, freeMiB: 999 }))).toEqual({ make: [], remove: ['a'] });
    expect(planPool(config, facts({ freeMiB: 999 }))).toEqual(nothing);
  });

  it('the pool waits longer and longer while spares cannot be made', () => {
    const after = (failures: number, secondsAgo: number): number =>
      planPool(config, facts({ failing: { failures, secondsAgo } })).make.length;
    expect([after(1, 14), after(1, 15)]).toEqual([0, 1]);
    expect([after(3, 59), after(3, 60)]).toEqual([0, 1]);
    expect([after(50, 599), after(50, 600)]).toEqual([0, 1]);
  });
});

describe('the second tier', () => {
  const tiers = { ...config, WARM_POOL_SAVED: 2, WARM_POOL_BOOTS: 9 };
  const saved = (id: string, change: Partial<Spare> = {}): Spare =>
    spare(id, { status: 'saved', tier: 'saved', ...change });

  it('saved spares are made after the running ones', () => {
    expect(planPool(tiers, facts()).make).toEqual(['running', 'running', 'saved', 'saved']);
    expect(planPool({ ...tiers, WARM_POOL_BOOTS: 1 }, facts()).make).toEqual(['running']);
    expect(planPool(tiers, facts({ spares: [saved('a'), spare('b')] })).make).toEqual(['running', 'saved']);
    expect(planPool(tiers, facts({ spares: [saved('a', { status: 'warming' }), saved('b')] })).make).toEqual([
      'running',
      'running',
    ]);
    expect(
      planPool(tiers, facts({ spares: ['a', 'b'].flatMap((id) => [saved(`s${id}`), spare(id)]) })),
    ).toEqual(nothing);
  });

  it('there are no more saved spares than wanted, however few run', () => {
    const spares = [saved('a'), saved('b'), saved('c', { status: 'warming' }), saved('d')];
    expect(planPool(tiers, facts({ spares }))).toEqual({ make: [], remove: ['c', 'a'] });
  });

  it('saved spares stay when memory is short, since they use none', () => {
    const spares = [saved('a'), saved('b'), spare('c'), spare('d')];
    expect(planPool(tiers, facts({ spares, freeMiB: 10 })).remove).toEqual(['c']);
    expect(planPool(tiers, facts({ spares: spares.slice(0, 2), freeMiB: 10 })).remove).toEqual([]);
    const warming = saved('a', { status: 'warming' });
    expect(planPool(tiers, facts({ spares: [warming, saved('b')], freeMiB: 10 })).remove).toEqual(['a']);
  });
});
