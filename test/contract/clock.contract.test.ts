import { type Clock, systemClock } from '../../engine/base/clock';
import { instantClock } from '../fakes/instant-clock';

describe.each<[string, () => Clock]>([
  ['the system’s clock', () => systemClock],
  ['the instant clock', instantClock],
])('%s', (_, open) => {
  let clock: Clock;
  beforeEach(() => {
    clock = open();
  });

  const passed = async (body: () => Promise<unknown>): Promise<number> => {
    const before = clock.now().getTime();
    await body();
    return clock.now().getTime() - before;
  };

  it('a clock has advanced by the time slept', async () => {
    // timers of Node may be a millisecond early against the wall clock
    expect(await passed(() => clock.sleep(50))).toBeGreaterThanOrEqual(49);
  });

  it('a sleep does not block other work', async () => {
    let done = false;
    setImmediate(() => {
      done = true;
    });
    await clock.sleep(5);
    expect(done).toBe(true);
  });

  it('two sleeps run side by side', async () => {
    expect(await passed(() => Promise.all([clock.sleep(150), clock.sleep(150)]))).toBeLessThan(290);
  });

  it('the shortest sleep ends first', async () => {
    const woken: string[] = [];
    await Promise.all([
      clock.sleep(80).then(() => woken.push('long')),
      clock.sleep(5).then(() => woken.push('short')),
    ]);
    expect(woken).toEqual(['short', 'long']);
  });

  it('a sleep is refused with the signal’s reason if the signal has already fired', async () => {
    const reason = new Error('too late');
    await expect(clock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('a sleep ends at once with the signal’s reason when the signal fires', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const sleeping = clock.sleep(60_000, stop.signal);
    stop.abort(reason);
    expect(await passed(() => expect(sleeping).rejects.toBe(reason))).toBeLessThan(1_000);
  });

  it('a signal that fires after the sleep has no effect', async () => {
    const stop = new AbortController();
    await clock.sleep(1, stop.signal);
    stop.abort(new Error('nobody listens'));
    await clock.sleep(1);
  });
});
