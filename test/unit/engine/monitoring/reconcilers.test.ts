import type { LastLook } from '../../../../engine/base/every';
import { judgeReconcilers } from '../../../../engine/monitoring/reconcilers';

const look = (change: Partial<LastLook> = {}): LastLook => ({
  name: 'drift',
  seconds: 10,
  intervalSeconds: 60,
  found: null,
  failure: null,
  ...change,
});

describe('health of the reconcilers', () => {
  it('is ok while each has looked lately, and says what they found', () => {
    expect(judgeReconcilers([look(), look({ name: 'sweep', found: '2 findings' })])).toEqual({
      status: 'ok',
      detail: '2 look regularly; sweep: 2 findings',
    });
  });

  it.each([
    ['a look is overdue', { seconds: 241 }, 'drift: last look 241 s ago: DATA_DIR/worker.log says why'],
    [
      'the last look failed',
      { failure: 'database_unavailable' },
      'drift: last look failed (database_unavailable): DATA_DIR/worker.log says why',
    ],
  ])('is degraded when %s, and names it', (_, change, detail) => {
    expect(judgeReconcilers([look({ name: 'sweep' }), look(change)])).toEqual({ status: 'degraded', detail });
  });

  it('does not call one late that looks once an hour', () => {
    const hourly = look({ intervalSeconds: 3600, seconds: 3700 });
    expect(judgeReconcilers([hourly]).status).toBe('ok');
  });

  it('is down when no worker reports, and silent about a worker of an older version', () => {
    expect(judgeReconcilers(null).status).toBe('down');
    expect(judgeReconcilers([]).status).toBe('ok');
  });
});
