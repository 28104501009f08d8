import { EngineError, errorCodes, toEngineError } from '../../../../engine/base/errors';
import { describeError } from '../../../../engine/base/log';

describe('EngineError', () => {
  it('an EngineError carries code, public text, cause and details, and is not retryable unless it says so', () => {
    const cause = new Error('/secret/path');
    const error = new EngineError('apply_failed', 'It failed', { cause, details: { rules: ['a'] } });
    expect(error).toMatchObject({
      code: 'apply_failed',
      message: 'It failed',
      cause,
      details: { rules: ['a'] },
      retryable: false,
    });
    expect(new EngineError('internal', 'x', { retryable: true }).retryable).toBe(true);
  });

  it('each error code exists once', () => {
    expect(new Set(errorCodes).size).toBe(errorCodes.length);
  });
});

describe('toEngineError', () => {
  it('toEngineError leaves an EngineError as it is', () => {
    const error = new EngineError('plan_failed', 'x');
    expect(toEngineError(error, 'internal', 'y')).toBe(error);
  });

  it.each([[new TypeError('at /etc/passwd')], ['a string'], [undefined]])(
    'toEngineError hides %p behind a public text and keeps it as the cause',
    (thrown) => {
      const error = toEngineError(thrown);
      expect(error).toMatchObject({
        code: 'internal',
        message: 'An internal error occurred',
        cause: thrown,
      });
    },
  );

  it('toEngineError gives foreign errors the caller’s code and text', () => {
    expect(toEngineError(new Error('x'), 'apply_failed', 'Could not remove it')).toMatchObject({
      code: 'apply_failed',
      message: 'Could not remove it',
    });
  });
});

describe('describeError', () => {
  it('describeError shows the whole chain of causes with their codes', () => {
    const root = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const error = new EngineError('libvirt_unavailable', 'libvirt does not answer', {
      cause: new Error('middle', { cause: root }),
    });
    expect(describeError(error)).toMatchObject({
      type: 'EngineError',
      code: 'libvirt_unavailable',
      message: 'libvirt does not answer',
      cause: {
        type: 'Error',
        message: 'middle',
        cause: { message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' },
      },
    });
  });

  it('describeError passes on what is not an error', () => {
    expect(describeError('text')).toBe('text');
    expect(describeError(new Error('outer', { cause: 'text' }))).toMatchObject({ cause: 'text' });
  });

  it('describeError keeps only the start of a stack', () => {
    const { stack } = describeError(new Error('x')) as { stack: string };
    expect(stack.split('\n').length).toBeLessThanOrEqual(7);
  });
});
