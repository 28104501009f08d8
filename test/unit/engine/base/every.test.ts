import { every, type LastLook } from '../../../../engine/base/every';
import { EngineError } from '../../../../engine/base/errors';
import { createLog } from '../../../../engine/base/log';
import { until } from '../../../support/until';

const log = createLog('silent');

it('a reconciler says what its last look found, and why one failed', async () => {
  const outcomes: (() => Promise<unknown>)[] = [
    () => Promise.resolve('3 things'),
    () => Promise.reject(new EngineError('libvirt_unavailable', 'libvirt does not answer')),
    () => Promise.resolve(undefined),
  ];
  const seen: LastLook[] = [];
  const { stop, lastLook } = every({ name: 'things', intervalMs: 5, log }, async () => {
    if (outcomes.length < 3) seen.push(lastLook());
    return outcomes.shift()?.();
  });
  await until(5_000, 'four looks', () => Promise.resolve(seen.length >= 3));
  stop();
  expect(seen[0]).toEqual({
    name: 'things',
    seconds: 0,
    intervalSeconds: 0.005,
    found: '3 things',
    failure: null,
  });
  expect(seen[1]).toMatchObject({ found: '3 things', failure: 'libvirt_unavailable' });
  expect(seen[2]).toMatchObject({ found: null, failure: null });
});

it('a stopped reconciler does not look again', async () => {
  let looks = 0;
  const { stop } = every({ name: 'things', intervalMs: 1, log }, () => Promise.resolve((looks += 1)));
  await until(5_000, 'two looks', () => Promise.resolve(looks >= 2));
  stop();
  const then = looks;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(looks).toBe(then);
});
