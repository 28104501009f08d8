import { partNames, readOptions } from '../../bench/options';

describe('options of the bench', () => {
  it('measures everything five times and writes it to the documentation', () => {
    expect(readOptions([])).toEqual({
      ...{ parts: partNames, runs: 5, quick: false, images: ['micro'], out: 'docs/bench' },
    });
  });

  it('leaves the documentation alone when it is quick', () => {
    expect(readOptions(['--quick'])).toMatchObject({ runs: 2, quick: true, out: null });
    expect(readOptions(['--quick', '--out', '/tmp/x'])).toMatchObject({ out: '/tmp/x' });
  });

  it('runs the parts that are named, in their own order', () => {
    expect(readOptions(['burst', 'api', '--runs', '9'])).toMatchObject({ parts: ['api', 'burst'], runs: 9 });
    expect(readOptions(['vm', '--images', 'micro,debian-13']).images).toEqual(['micro', 'debian-13']);
  });

  it.each([['ngin'], ['--runs=0'], ['--runs=x'], ['--images=arch'], ['--fast']])(
    'refuses %s and shows the usage',
    (word: string) => {
      expect(() => readOptions([word])).toThrow(/npm run bench/);
    },
  );
});
