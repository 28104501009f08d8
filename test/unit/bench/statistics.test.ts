import { median, ordinal, quantile, shown } from '../../bench/statistics';

describe('figures', () => {
  it('takes the middle sample, or the middle between two, in whatever order they came', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it('interpolates between two samples', () => {
    const hundred = Array.from({ length: 101 }, (_, index) => index);
    expect(quantile(hundred, 0.95)).toBe(95);
    expect(quantile([0, 10], 0.95)).toBeCloseTo(9.5);
    expect([quantile([3, 1, 2], 0), quantile([3, 1, 2], 1)]).toEqual([1, 3]);
  });

  it('has no figure for nothing', () => {
    expect(median([])).toBeNaN();
    expect(shown(median([]))).toBe('-');
  });

  it('leaves the samples as they were', () => {
    const samples = [3, 1, 2];
    quantile(samples, 0.5);
    expect(samples).toEqual([3, 1, 2]);
  });

  it('shows three digits that say something', () => {
    expect([0.01234, 1.2345, 12.345, 123.45, 1234.5, 9_999_999.4].map(shown)).toEqual([
      '0.01',
      '1.23',
      '12.3',
      '123',
      '1,235',
      '9,999,999',
    ]);
    expect([0, 7, 1000, 10_000].map(shown)).toEqual(['0', '7', '1,000', '10,000']);
    expect(ordinal(1_000)).toBe('1,000th');
  });
});
