/** A part that is away is told as such: 503, when to ask again, and one short line in the log. */
import { EngineError, type ErrorCode } from '../../../engine';
import { bearer, startApi } from './harness';

const outages: readonly ErrorCode[] = [
  'database_unavailable',
  'libvirt_unavailable',
  'node_not_ready',
  'terraform_missing',
  'proxy_unreachable',
];
/** As `pg` and TypeORM throw them. */
const driverErrors: [string, Error][] = [
  [
    'a refused connection',
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5433'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    }),
  ],
  ['a cut connection', new Error('Connection terminated unexpectedly')],
  [
    'a server that goes down',
    Object.assign(new Error('terminating connection due to administrator command'), {
      name: 'QueryFailedError',
      code: '57P01',
      query: 'SELECT secret FROM users',
      parameters: ['secret'],
    }),
  ],
];

it.each(outages)('%s is 503 with Retry-After, and one short warning in the log', async (code) => {
  const { engine, http, log, signIn } = startApi({ documented: false });
  const auth = bearer(await signIn());
  const cause = new Error('exec virsh', { cause: new Error(`${'x'.repeat(150)} failed\nat line 2`) });
  engine.break('mine', new EngineError(code, 'Not now', { cause }));
  log.length = 0;
  const { headers, body } = await http.get('/api/v1/host/my').set(auth).expect(503);
  expect([headers['retry-after'], body.error.code]).toEqual(['5', code]);
  expect(log).toHaveLength(1);
  expect(log[0]).toMatchObject({
    level: 'warn',
    line: { status: 503, failure: { code, cause: `${'x'.repeat(150)} failed` } },
  });
  expect(JSON.stringify(log)).not.toMatch(/stack|\.ts:/);
});

describe.each(driverErrors)('%s to the database', (_, thrown) => {
  it('is 503 database_unavailable in a handler, leaks nothing and is a short warning', async () => {
    const { engine, http, log, signIn } = startApi();
    const auth = bearer(await signIn());
    engine.break('mine', thrown);
    log.length = 0;
    const { headers, body, text } = await http.get('/api/v1/host/my').set(auth).expect(503);
    expect([headers['retry-after'], body.error.code]).toEqual(['5', 'database_unavailable']);
    expect(text).not.toMatch(/5433|secret|terminat/);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatchObject({
      level: 'warn',
      line: { failure: { code: 'database_unavailable', cause: thrown.message } },
    });
    expect(JSON.stringify(log)).not.toMatch(/stack|\.ts:|secret/);
  });

  it.each([
    ['get', '/api/v1/auth/me'],
    ['get', '/api/v1/operations/7f0c1f4e-3f3c-4a55-9d2e-0a4b8c9d1e2f/events'],
    ['post', '/api/v1/host'],
  ] as const)('is no bad token to %s %s', async (method, at) => {
    const { engine, http, signIn } = startApi();
    const auth = bearer(await signIn());
    engine.break('authenticate', thrown);
    const { headers, body } = await http[method](at).set(auth).expect(503);
    expect([headers['retry-after'], body.error.code]).toEqual(['5', 'database_unavailable']);
    expect(headers).not.toHaveProperty('www-authenticate');
  });

  it('is no wrong password', async () => {
    const { engine, http } = startApi();
    engine.break('login', thrown);
    const form = { username: 'mina@example.com', password: 'correct horse battery' };
    const { body } = await http.post('/api/v1/auth/login').type('form').send(form).expect(503);
    expect(body.error.code).toBe('database_unavailable');
  });

  it('ends an event stream that has begun by saying so, with a short warning', async () => {
    const { engine, http, log, signIn } = startApi({ operationsEnd: 'by-hand' });
    const auth = bearer(await signIn());
    await http
      .post('/api/v1/host')
      .set({ ...auth, Prefer: 'respond-async' })
      .expect(202);
    engine.operations.events = async function* () {
      yield* [];
      throw thrown;
    };
    const { id } = engine.fakeOperations.latest();
    const { text } = await http.get(`/api/v1/operations/${id}/events`).set(auth).expect(200);
    expect(text).toMatch(/event: stream\.failed\ndata: .*"code":"database_unavailable"/);
    expect(text).not.toMatch(/5433|secret|terminat/);
    expect(log.at(-1)).toMatchObject({ level: 'warn', line: { failure: { code: 'database_unavailable' } } });
  });

  it('is 503 before an event stream begins', async () => {
    const { engine, http, signIn } = startApi({ operationsEnd: 'by-hand' });
    const auth = bearer(await signIn());
    engine.operations.get = () => Promise.reject(thrown);
    const at = '/api/v1/operations/7f0c1f4e-3f3c-4a55-9d2e-0a4b8c9d1e2f/events';
    const { headers } = await http.get(at).set(auth).expect(503);
    expect(headers['retry-after']).toBe('5');
  });

  it('does not take the key of a hosting from whom it meets in the wait for it', async () => {
    const { engine, http, signIn } = startApi({ operationsEnd: 'by-hand' });
    const auth = bearer(await signIn());
    engine.operations.wait = () => Promise.reject(thrown);
    const { headers, body } = await http.post('/api/v1/host').set(auth).expect(202);
    expect(headers['location']).toBe(`/api/v1/operations/${engine.fakeOperations.latest().id}`);
    expect(body.data.ssh_private_key).toContain('PRIVATE KEY');
  });
});

it('what is no outage still has its whole story in the log', async () => {
  const { engine, http, log, signIn } = startApi();
  const auth = bearer(await signIn());
  engine.break('mine', Object.assign(new Error('duplicate key'), { code: '23505', query: 'INSERT' }));
  await http.get('/api/v1/host/my').set(auth).expect(500);
  expect(log.at(-1)).toMatchObject({
    level: 'error',
    line: { failure: [{}, { stack: expect.any(String) }] },
  });
});
