import { cachedFor, shared } from '../../../../engine/base/cached';

it('a cached answer is asked for once within its time, and again after a failure', async () => {
  const ask = jest.fn<Promise<number>, []>();
  ask.mockRejectedValueOnce(new Error('gone')).mockResolvedValue(1);
  const cached = cachedFor(60_000, ask);
  const first = await Promise.allSettled([cached(), cached()]);
  expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await Promise.all([cached(), cached()])).toEqual([1, 1]);
  expect(await cached()).toBe(1);
  expect(ask).toHaveBeenCalledTimes(2);
});

it('a cached answer is asked for again when its time is over', async () => {
  const ask = jest.fn(() => Promise.resolve(1));
  const cached = cachedFor(-1, ask);
  await cached();
  await cached();
  expect(ask).toHaveBeenCalledTimes(2);
});

it('concurrent callers share one call in flight, and the next caller makes a new one', async () => {
  const answers = [1, 2, 3];
  const ask = jest.fn(() => Promise.resolve(answers.shift()));
  const asked = shared(ask);
  expect(await Promise.all([asked(), asked()])).toEqual([1, 1]);
  expect(await asked()).toBe(2);
  expect(ask).toHaveBeenCalledTimes(2);
});

it('a shared call remembers neither a failure nor an answer', async () => {
  const ask = jest.fn<Promise<number>, []>();
  ask.mockRejectedValueOnce(new Error('gone')).mockResolvedValue(1);
  const asked = shared(ask);
  const first = await Promise.allSettled([asked(), asked()]);
  expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await asked()).toBe(1);
});
