import { type Bound, isMet, missed, newSamples, ratio } from '../../bench/result';

const bound = (change: Partial<Bound>): Bound => ({
  ...{ name: 'p99', value: 20, unit: 'ms', sense: 'at most', limit: 20 },
  ...change,
});

describe('bounds', () => {
  it('is met up to its limit, and not beyond', () => {
    expect(isMet(bound({ value: 20 }))).toBe(true);
    expect(isMet(bound({ value: 20.01 }))).toBe(false);
  });

  it('is met down to its limit, and not below', () => {
    expect(isMet(bound({ sense: 'at least', value: 0.6, limit: 0.6 }))).toBe(true);
    expect(isMet(bound({ sense: 'at least', value: 0.59, limit: 0.6 }))).toBe(false);
  });

  it('is missed where nothing was measured', () => {
    expect(isMet(bound({ value: NaN }))).toBe(false);
    expect(isMet(bound({ value: NaN, sense: 'at least' }))).toBe(false);
  });

  it('names those of all parts that are missed', () => {
    const [met, short, late] = [bound({}), bound({ value: 21 }), bound({ name: 'create', value: 99 })];
    expect(missed([{ bounds: [met, short] }, { bounds: [late] }, { bounds: [] }])).toEqual([short, late]);
  });

  it('compares medians', () => {
    expect(ratio([3, 1, 2], [4, 4, 100])).toBe(0.5);
  });
});

describe('samples', () => {
  it('keeps them by their names, in the order in which they came', () => {
    const samples = newSamples();
    samples.add('b', 1);
    samples.add('a', 2);
    samples.add('b', 3);
    expect(samples.names()).toEqual(['b', 'a']);
    expect(samples.of('b')).toEqual([1, 3]);
    expect(samples.of('never')).toEqual([]);
  });
});
