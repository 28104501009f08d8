import { routePublisher } from '../../../../engine/machine/nginx/publisher';
import { instantClock } from '../../../fakes/instant-clock';

/** Publishes that end when the test says so. */
function gate(): {
  publishNow: () => Promise<void>;
  runs: { end: () => void; fail: (error: Error) => void }[];
} {
  const runs: { end: () => void; fail: (error: Error) => void }[] = [];
  const publishNow = (): Promise<void> =>
    new Promise((resolve, reject) => {
      runs.push({ end: resolve, fail: reject });
    });
  return { publishNow, runs };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 100) throw new Error('it did not come to pass');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('routePublisher', () => {
  it.each([-3_600_000, 3_600_000])(
    'the publisher continues when the machine’s clock is set by %i ms',
    async (jump) => {
      const { publishNow, runs } = gate();
      const clock = instantClock();
      let offset = 0;
      const set = { ...clock, now: () => new Date(clock.now().getTime() + offset) };
      const publisher = routePublisher(publishNow, set);
      const begun = clock.elapsedMs();
      for (let count = 1; count <= 2; count++) {
        const published = publisher.publish();
        await until(() => runs.length === count);
        runs.at(-1)!.end();
        await published;
        offset += jump;
      }
      expect(clock.elapsedMs() - begun).toBeLessThan(1_000);
    },
  );

  it('all callers that arrive during a publish share the next one', async () => {
    const { publishNow, runs } = gate();
    const publisher = routePublisher(publishNow, instantClock());
    const first = publisher.publish();
    await until(() => runs.length === 1);
    const during = [publisher.publish(), publisher.publish(), publisher.publish()];
    runs[0]!.end();
    await first;
    await until(() => runs.length === 2);
    const late = publisher.publish();
    runs[1]!.end();
    await Promise.all(during);
    // whoever came after the second began to read needs a third
    await until(() => runs.length === 3);
    runs[2]!.end();
    await late;
    expect(runs).toHaveLength(3);
  });

  it('callers that arrive together share the first publish', async () => {
    const publishNow = jest.fn(() => Promise.resolve());
    const publisher = routePublisher(publishNow, instantClock());
    await Promise.all([publisher.publish(), publisher.publish(), publisher.publish()]);
    expect(publishNow).toHaveBeenCalledTimes(1);
  });

  it('two publishes never run at the same time', async () => {
    let running = 0;
    let most = 0;
    const publisher = routePublisher(async () => {
      most = Math.max(most, ++running);
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
      running--;
    }, instantClock());
    for (let count = 0; count < 10; count++) {
      void publisher.publish();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await publisher.publish();
    expect(most).toBe(1);
  });

  it('a caller is answered only after a publish that began after its call has ended', async () => {
    const { publishNow, runs } = gate();
    const publisher = routePublisher(publishNow, instantClock());
    void publisher.publish();
    await until(() => runs.length === 1);
    let answered = false;
    const second = publisher.publish().then(() => {
      answered = true;
    });
    runs[0]!.end();
    await until(() => runs.length === 2);
    expect(answered).toBe(false);
    runs[1]!.end();
    await second;
  });

  it('a failed publish rejects those who waited for it, and the publisher continues for others', async () => {
    const { publishNow, runs } = gate();
    const publisher = routePublisher(publishNow, instantClock());
    const failing = [publisher.publish(), publisher.publish()].map((each) =>
      each.catch((error: unknown) => error),
    );
    await until(() => runs.length === 1);
    const next = publisher.publish();
    const refused = new Error('refused');
    runs[0]!.fail(refused);
    expect(await Promise.all(failing)).toEqual([refused, refused]);
    await until(() => runs.length === 2);
    runs[1]!.end();
    await expect(next).resolves.toBeUndefined();
  });

  it('the publisher is not stuck when a publish throws at once', async () => {
    const publishNow = jest
      .fn<Promise<void>, []>()
      .mockRejectedValueOnce(new Error('down'))
      .mockResolvedValue();
    const publisher = routePublisher(publishNow, instantClock());
    await expect(publisher.publish()).rejects.toThrow('down');
    await expect(publisher.publish()).resolves.toBeUndefined();
  });

  it('at most one publish begins in 250 ms', async () => {
    const clock = instantClock();
    const begun: number[] = [];
    const publisher = routePublisher(() => {
      begun.push(clock.now().getTime());
      return Promise.resolve();
    }, clock);
    for (let count = 0; count < 5; count++) await publisher.publish();
    const pauses = begun.slice(1).map((time, index) => time - begun[index]!);
    expect(pauses).toEqual([250, 250, 250, 250]);
  });

  it('a publish begins at once when the last one is long ago', async () => {
    const clock = instantClock();
    const sleep = jest.spyOn(clock, 'sleep');
    const publisher = routePublisher(() => Promise.resolve(), clock);
    await publisher.publish();
    await clock.sleep(10_000);
    sleep.mockClear();
    await publisher.publish();
    expect(sleep.mock.calls.map(([ms]) => ms)).toEqual([0]);
  });
});
