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
  it('the reconcilers are healthy while each has looked lately, with what they found', () => {
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
  ])('the reconcilers are degraded when %s, and the detail names it', (_, change, detail) => {
    expect(judgeReconcilers([look({ name: 'sweep' }), look(change)])).toEqual({ status: 'degraded', detail });
  });

  it('a reconciler that looks once an hour is not late', () => {
    const hourly = look({ intervalSeconds: 3600, seconds: 3700 });
    expect(judgeReconcilers([hourly]).status).toBe('ok');
  });

  it('the reconcilers are down when no worker reports, and a worker of an older version says nothing of them', () => {
    expect(judgeReconcilers(null).status).toBe('down');
    expect(judgeReconcilers([]).status).toBe('ok');
  });
});
