import { waitUntil } from '../../../../engine/base/wait-until';
import { instantClock } from '../../../fakes/instant-clock';

const timeout = new Error('time is up');

function options(signal = new AbortController().signal) {
  return { clock: instantClock(), signal, timeoutMs: 1_000, pollMs: 100, onTimeout: () => timeout };
}

describe('waitUntil', () => {
  it('waitUntil returns the first result, after as many probes as it took', async () => {
    const probe = jest
      .fn<Promise<string | null>, []>()
      .mockResolvedValueOnce(null)
      .mockResolvedValueOnce(null)
      .mockResolvedValue('up');
    expect(await waitUntil(probe, options())).toBe('up');
    expect(probe).toHaveBeenCalledTimes(3);
  });

  it.each([-3_600_000, 3_600_000])(
    'waitUntil waits as long when the machine’s clock is set by %i ms',
    async (jump) => {
      const { clock, ...rest } = options();
      const probe = jest.fn(() => Promise.resolve(null));
      const set = { ...clock, now: () => new Date(clock.now().getTime() + jump * probe.mock.calls.length) };
      await expect(waitUntil(probe, { ...rest, clock: set })).rejects.toBe(timeout);
      expect(probe).toHaveBeenCalledTimes(11);
    },
  );

  it('waitUntil takes any value but null as a result', async () => {
    expect(await waitUntil(() => Promise.resolve(false), options())).toBe(false);
  });

  it('waitUntil fails with the caller’s error when time is up, and not before', async () => {
    const probe = jest.fn(() => Promise.resolve(null));
    await expect(waitUntil(probe, options())).rejects.toBe(timeout);
    // at 0, 100, … 1000 ms
    expect(probe).toHaveBeenCalledTimes(11);
  });

  it('waitUntil probes once even with a timeout of 0', async () => {
    const probe = jest.fn(() => Promise.resolve('there'));
    expect(await waitUntil(probe, { ...options(), timeoutMs: 0 })).toBe('there');
  });

  it('waitUntil stops with the signal’s reason, between probes and before the first', async () => {
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const probe = jest.fn(() => {
      stop.abort(reason);
      return Promise.resolve(null);
    });
    await expect(waitUntil(probe, options(stop.signal))).rejects.toBe(reason);
    await expect(waitUntil(probe, options(stop.signal))).rejects.toBe(reason);
    expect(probe).toHaveBeenCalledTimes(1);
  });

  it('waitUntil passes on what a probe throws', async () => {
    await expect(waitUntil(() => Promise.reject(new Error('broken probe')), options())).rejects.toThrow(
      'broken probe',
    );
  });
});
