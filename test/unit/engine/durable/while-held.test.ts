import { whileHeld } from '../../../../engine/durable/while-held';

it('asks before every call, and makes none when the lease is not held', async () => {
  const calls: string[] = [];
  const part = {
    init: (directory: string): Promise<void> => Promise.resolve(void calls.push(`init ${directory}`)),
    plan: (): Promise<boolean> => Promise.resolve(true),
  };
  let held = true;
  const guarded = whileHeld(part, () => {
    if (!held) throw new Error('lost');
  });
  await guarded.init('a');
  expect(await guarded.plan()).toBe(true);
  held = false;
  await expect(guarded.init('b')).rejects.toThrow('lost');
  await expect(guarded.plan()).rejects.toThrow('lost');
  expect(calls).toEqual(['init a']);
});
