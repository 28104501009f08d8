import pino from 'pino';
import { createLog } from '../../../../engine/base/log';

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
  it.each(names)('the log masks %s at the top and one level down', (name) => {
    const { log, lines } = capture();
    log.info({ [name]: secret, request: { [name]: secret, method: 'POST' } }, 'registered');
    expect(lines.join('')).not.toContain(secret);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      [name]: '***',
      request: { [name]: '***', method: 'POST' },
      msg: 'registered',
    });
  });

  it.each([...names, 'Authorization', 'STATE_KEY', 'jwt_secret', 'newPassword', 'set-cookie'])(
    'the log masks %s at any depth, in lists too',
    (name) => {
      const { log, lines } = capture();
      let deep: unknown = { [name]: secret, kept: 1 };
      for (let level = 0; level < 8; level++) deep = level % 2 ? [deep, 'x'] : { inner: deep };
      log.info({ deep }, 'x');
      log.child({ bound: { to: { [name]: secret } } }).info('y');
      expect(lines.join('')).not.toContain(secret);
      expect(lines.join('')).toContain('"kept":1');
    },
  );

  it('the log does not follow a cycle, and does not change what it logs', () => {
    const { log, lines } = capture();
    const node: Record<string, unknown> = { password: secret, at: new Date(0) };
    node['self'] = node;
    log.info({ node }, 'x');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      node: { password: '***', at: '1970-01-01T00:00:00.000Z', self: '[circular]' },
    });
    expect(node['password']).toBe(secret);
  });

  it.each([
    `postgres://webhoster:${secret}@127.0.0.1/db`,
    `whk_${'Ab3-_'.repeat(8)}${secret}`,
    `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.${secret}`,
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${secret}\n-----END OPENSSH PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\n${secret}`,
  ])('the log masks secrets that are known by their form, in messages and in errors', (text) => {
    const { log, lines } = capture();
    log.error({ err: new Error(`failed with ${text}`, { cause: new Error(text) }) }, `told of ${text}`);
    log.info({ list: [text] }, 'x');
    expect(lines.join('')).not.toContain(secret);
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  it('the log masks the bindings of a child log', () => {
    const { log, lines } = capture();
    log.child({ password: secret, operationId: 'o-1' }).warn('x');
    expect(lines.join('')).not.toContain(secret);
    expect(JSON.parse(lines[0]!)).toMatchObject({ operationId: 'o-1' });
  });

  it('the log writes one JSON line each, with service and time', () => {
    const { log, lines } = capture();
    log.info('first\nline');
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0]!) as { time: string };
    expect(line).toMatchObject({ service: 'vm-webhoster', msg: 'first\nline' });
    expect(new Date(line.time).toISOString()).toBe(line.time);
  });

  it('the log writes an error with its causes', () => {
    const { log, lines } = capture();
    log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed');
    expect(JSON.parse(lines[0]!)).toMatchObject({ err: { message: 'outer', cause: { message: 'inner' } } });
  });

  it('the log writes nothing below its level', () => {
    const { log, lines } = capture('warn');
    log.info('x');
    expect(lines).toEqual([]);
  });
});
