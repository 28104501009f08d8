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

  it('has moved on by the time slept', async () => {
    // timers of Node may be a millisecond early against the wall clock
    expect(await passed(() => clock.sleep(50))).toBeGreaterThanOrEqual(49);
  });

  it('does not stand in the way of what else there is to do', async () => {
    let done = false;
    setImmediate(() => {
      done = true;
    });
    await clock.sleep(5);
    expect(done).toBe(true);
  });

  it('lets two sleep side by side', async () => {
    expect(await passed(() => Promise.all([clock.sleep(150), clock.sleep(150)]))).toBeLessThan(290);
  });

  it('wakes first who sleeps shortest', async () => {
    const woken: string[] = [];
    await Promise.all([
      clock.sleep(80).then(() => woken.push('long')),
      clock.sleep(5).then(() => woken.push('short')),
    ]);
    expect(woken).toEqual(['short', 'long']);
  });

  it('refuses to sleep when the signal has fired, with its reason', async () => {
    const reason = new Error('too late');
    await expect(clock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('wakes at once when the signal fires, with its reason and before its time', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const sleeping = clock.sleep(60_000, stop.signal);
    stop.abort(reason);
    expect(await passed(() => expect(sleeping).rejects.toBe(reason))).toBeLessThan(1_000);
  });

  it('takes no notice of a signal that fires after the sleep', async () => {
    const stop = new AbortController();
    await clock.sleep(1, stop.signal);
    stop.abort(new Error('nobody listens'));
    await clock.sleep(1);
  });
});
