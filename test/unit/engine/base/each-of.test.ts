import { eachOf } from '../../../../engine/base/each-of';

it('eachOf keeps the order of the items and works on a limited number at once', async () => {
  let running = 0;
  let most = 0;
  const results = await eachOf([30, 1, 20, 2], 2, async (ms) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, ms));
    running -= 1;
    return ms * 2;
  });
  expect(results).toEqual([60, 2, 40, 4]);
  expect(most).toBe(2);
});

it('eachOf throws the first failure once all work has ended', async () => {
  const done: number[] = [];
  const all = eachOf([1, 2, 3, 4], 2, async (item) => {
    if (item === 1) throw new Error('the first');
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (item === 3) throw new Error('the third');
    done.push(item);
  });
  await expect(all).rejects.toThrow('the first');
  expect(done).toEqual([2, 4]);
});
