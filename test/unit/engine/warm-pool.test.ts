import { planPool, type PoolFacts, wantedSpares } from '../../../engine/warm-pool';
import type { Spare } from '../../../engine/store/spares';

const config = {
  WARM_POOL_SIZE: 2,
  WARM_POOL_MAX: 0,
  WARM_POOL_BOOTS: 1,
  WARM_POOL_MIN_FREE_MIB: 1000,
  VM_MEMORY_MIB: 500,
};
const spare = (id: string, change: Partial<Spare> = {}): Spare => ({
  id,
  vmName: `vm-${id}`,
  status: 'spare',
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
const nothing = { make: 0, remove: [] };

describe('how many spares are wanted', () => {
  it.each([
    [2, 0, 9, 2],
    [2, 5, 0, 2],
    [2, 5, 4, 4],
    [2, 5, 9, 5],
    [0, 5, 0, 0],
    [0, 0, 9, 0],
  ])('size %i, at most %i, %i creates in the busiest ten minutes: %i', (size, max, busiest, wanted) => {
    expect(wantedSpares({ ...config, WARM_POOL_SIZE: size, WARM_POOL_MAX: max }, busiest)).toBe(wanted);
  });
});

describe('the plan of the pool', () => {
  it('has no more made at a time than may boot', () => {
    expect(planPool(config, facts())).toEqual({ make: 1, remove: [] });
    expect(planPool({ ...config, WARM_POOL_BOOTS: 5 }, facts())).toEqual({ make: 2, remove: [] });
    expect(planPool(config, facts({ spares: [spare('a', { status: 'warming' })] }))).toEqual(nothing);
  });

  it('is empty when as many wait as are wanted', () => {
    expect(planPool(config, facts({ spares: [spare('a'), spare('b')] }))).toEqual(nothing);
  });

  it('takes away what is too much, what is still being made first', () => {
    const spares = [spare('a'), spare('b'), spare('c', { status: 'warming' }), spare('d')];
    expect(planPool(config, facts({ spares })).remove).toEqual(['c', 'a']);
    expect(planPool({ ...config, WARM_POOL_SIZE: 0 }, facts({ spares })).remove).toEqual([
      'c',
      'a',
      'b',
      'd',
    ]);
  });

  it('takes away, and replaces, what fits no more and what does not run', () => {
    const spares = [spare('old', { fits: false }), spare('dead')];
    expect(planPool(config, facts({ spares, dead: new Set(['dead']) }))).toEqual({
      make: 1,
      remove: ['old', 'dead'],
    });
  });

  it('leaves memory to the machine: makes none without room, counting those that boot', () => {
    const boots = { ...config, WARM_POOL_SIZE: 9, WARM_POOL_BOOTS: 9 };
    expect(planPool(boots, facts({ freeMiB: 1499 })).make).toBe(0);
    expect(planPool(boots, facts({ freeMiB: 2000 })).make).toBe(2);
    const spares = [spare('a', { status: 'warming' })];
    expect(planPool(boots, facts({ freeMiB: 2000, spares })).make).toBe(1);
  });

  it('has none made while a claim is under way', () => {
    expect(planPool(config, facts({ claims: 1 }))).toEqual(nothing);
  });

  it('gives one back at a time when memory is short', () => {
    const spares = [spare('a'), spare('b')];
    expect(planPool(config, facts({ spares, freeMiB: 999 }))).toEqual({ make: 0, remove: ['a'] });
    expect(planPool(config, facts({ freeMiB: 999 }))).toEqual(nothing);
  });

  it('waits longer and longer while none can be made', () => {
    const after = (failures: number, secondsAgo: number): number =>
      planPool(config, facts({ failing: { failures, secondsAgo } })).make;
    expect([after(1, 14), after(1, 15)]).toEqual([0, 1]);
    expect([after(3, 59), after(3, 60)]).toEqual([0, 1]);
    expect([after(50, 599), after(50, 600)]).toEqual([0, 1]);
  });
});
