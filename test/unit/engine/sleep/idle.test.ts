/** Who counts as idle, as a function of what is seen. */
import { findIdle, type IdleFacts, type LastUse, unlessSet } from '../../../../engine/sleep/idle';

const minute = 60_000;
const after = 10 * minute;
const facts = (now: number, change: Partial<IdleFacts> = {}): IdleFacts => ({
  now,
  hostings: [{ id: 'a', ip: '10.90.0.5', touchedAt: 0 }],
  visits: new Map(),
  connected: new Set(),
  ...change,
});
const seen = (at: number): LastUse => new Map([['a', at]]);

it('a hosting that was never seen counts as just used: a worker that has just started knows no past', () => {
  const first = findIdle(new Map(), facts(1_000 * minute), after);
  expect(first).toEqual({ idle: [], lastUse: seen(1_000 * minute) });
  expect(findIdle(first.lastUse, facts(1_000 * minute + after - 1), after).idle).toEqual([]);
  expect(findIdle(first.lastUse, facts(1_000 * minute + after), after).idle).toEqual(['a']);
});

it.each<[string, Partial<IdleFacts>]>([
  ['a visit', { visits: new Map([['10.90.0.5', 95 * minute]]) }],
  ['a connection, however old', { connected: new Set(['10.90.0.5']) }],
  ['work on it', { hostings: [{ id: 'a', ip: '10.90.0.5', touchedAt: 95 * minute }] }],
])('%s counts as use', (_, change) => {
  const { idle, lastUse } = findIdle(seen(80 * minute), facts(100 * minute, change), after);
  expect(idle).toEqual([]);
  expect(lastUse.get('a')).toBe(change.connected === undefined ? 95 * minute : 100 * minute);
});

it('another hosting’s visits and old ones do not count as use', () => {
  const change = { visits: new Map([['10.90.0.6', 99 * minute]]), connected: new Set(['10.90.0.50']) };
  expect(findIdle(seen(80 * minute), facts(100 * minute, change), after).idle).toEqual(['a']);
  const old = { visits: new Map([['10.90.0.5', 70 * minute]]) };
  expect(findIdle(seen(80 * minute), facts(100 * minute, old), after).idle).toEqual(['a']);
});

it('an idle or stopped hosting is forgotten, so that its time starts again when it is back', () => {
  expect(findIdle(seen(80 * minute), facts(100 * minute), after).lastUse.size).toBe(0);
  expect(findIdle(seen(99 * minute), facts(100 * minute, { hostings: [] }), after).lastUse.size).toBe(0);
  expect(findIdle(new Map(), facts(101 * minute), after).idle).toEqual([]);
});

it('a visit in the future counts as now: a clock that was set back keeps no hosting awake for longer', () => {
  const change = { visits: new Map([['10.90.0.5', 500 * minute]]) };
  expect(findIdle(seen(80 * minute), facts(100 * minute, change), after).lastUse).toEqual(seen(100 * minute));
});

describe('a clock that was set', () => {
  const seen = new Map([['a', 1_000]]);

  it.each([-3_600_000, 3_600_000, 5_001])('a clock set by %i ms puts no hosting to sleep', (jump) => {
    expect(unlessSet(seen, 10_000 + jump, 10_000)).toEqual(new Map());
  });

  it.each([0, -400, 4_000])('a clock corrected by %i ms does not count as set', (jump) => {
    expect(unlessSet(seen, 10_000 + jump, 10_000)).toBe(seen);
    expect(unlessSet(seen, 10_000 + jump, null)).toBe(seen);
  });
});
