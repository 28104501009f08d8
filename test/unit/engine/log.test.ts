import pino from 'pino';
import { createLog } from '../../../engine/log';

/** Every line that the log writes, as text. */
function capture(level = 'info'): { log: ReturnType<typeof createLog>; lines: string[] } {
  const lines: string[] = [];
  const log = createLog(level) as ReturnType<typeof createLog> & Record<symbol, unknown>;
  log[pino.symbols.streamSym] = { write: (line: string) => lines.push(line) };
  return { log, lines };
}

const secret = 'hunter2-hunter2';
const names = [
  'password',
  'passwordHash',
  'accessToken',
  'token',
  'authorization',
  'sshPrivateKey',
  'privateKey',
  'secret',
];

describe('the log', () => {
  it.each(names)('masks %s at the top and one level down', (name) => {
    const { log, lines } = capture();
    log.info({ [name]: secret, request: { [name]: secret, method: 'POST' } }, 'registered');
    expect(lines.join('')).not.toContain(secret);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      [name]: '***',
      request: { [name]: '***', method: 'POST' },
      msg: 'registered',
    });
  });

  it('masks in what a child log is bound to', () => {
    const { log, lines } = capture();
    log.child({ password: secret, operationId: 'o-1' }).warn('x');
    expect(lines.join('')).not.toContain(secret);
    expect(JSON.parse(lines[0]!)).toMatchObject({ operationId: 'o-1' });
  });

  it('writes one JSON line each, with service and time', () => {
    const { log, lines } = capture();
    log.info('first\nline');
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0]!) as { time: string };
    expect(line).toMatchObject({ service: 'vm-webhoster', msg: 'first\nline' });
    expect(new Date(line.time).toISOString()).toBe(line.time);
  });

  it('writes an error with its causes', () => {
    const { log, lines } = capture();
    log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed');
    expect(JSON.parse(lines[0]!)).toMatchObject({ err: { message: 'outer', cause: { message: 'inner' } } });
  });

  it('says nothing below its level', () => {
    const { log, lines } = capture('warn');
    log.info('x');
    expect(lines).toEqual([]);
  });
});
