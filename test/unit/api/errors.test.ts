import { EngineError, errorCodes, type ErrorCode } from '../../../engine';
import { httpErrorCodes, statusOf } from '../../../api/http-error';
import { bearer, startApi } from './harness';

/** Written out a second time on purpose: changing a status of the API takes two decisions. */
const expected: Record<number, readonly ErrorCode[]> = {
  400: ['validation_failed'],
  401: ['unauthorized', 'invalid_credentials'],
  403: ['forbidden', 'wrong_password'],
  404: [
    'not_found',
    'hosting_not_found',
    'operation_not_found',
    'run_not_found',
    'token_not_found',
    'domain_not_found',
  ],
  409: [
    'email_taken',
    'username_taken',
    'username_retired',
    'domain_taken',
    'domain_not_proved',
    'too_many_domains',
    'quota_exceeded',
    'hosting_exists',
    'ports_exhausted',
    'addresses_exhausted',
    'not_cancellable',
    'not_ended',
    'hosting_busy',
    'vm_lost',
    'not_an_orphan',
    'plan_changed',
    'disk_lost',
    'cancelled',
  ],
  429: ['too_many_attempts', 'too_many_operations'],
  422: ['idempotency_key_reused'],
  500: ['synthesis_failed', 'plan_refused', 'config_invalid', 'internal'],
  502: ['plan_failed', 'apply_failed', 'proxy_refused'],
  503: [
    'image_missing',
    'image_source_unreachable',
    'image_build_failed',
    'node_not_ready',
    'libvirt_unavailable',
    'isolation_failed',
    'terraform_missing',
    'database_unavailable',
    'proxy_unreachable',
    'lease_lost',
    'memory_exhausted',
  ],
  504: ['guest_unreachable'],
  507: ['disk_full', 'node_full'],
};

it.each(errorCodes)(
  'the engine’s %s has its status, its text and its details in the answer',
  async (code) => {
    const { engine, http, signIn } = startApi({ documented: false });
    const auth = bearer(await signIn());
    engine.break(
      'mine',
      new EngineError(code, 'Public text', { details: { fieldName: 1 }, cause: new Error('hidden') }),
    );
    const { status, body, headers, text } = await http.get('/api/v1/host/my').set(auth);
    expect(expected[status]).toContain(code);
    expect(body).toEqual({
      success: false,
      message: 'Public text',
      error: { code, details: { field_name: 1 }, request_id: headers['x-request-id'] },
    });
    expect(headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
    expect(headers['retry-after']).toBe(status === 503 ? '5' : undefined);
    expect(text).not.toContain('hidden');
  },
);

it('the table of statuses has every code and no other', () => {
  expect(Object.keys(statusOf).sort()).toEqual([...errorCodes, ...httpErrorCodes].sort());
});

it.each([
  new Error('connect ECONNREFUSED /var/run/secret.sock'),
  Object.assign(new TypeError('boom'), { status: 418, expose: true, headers: { 'X-Secret': 'secret' } }),
  { type: 'constructor', secret: 'secret' },
  'secret text',
  null,
  undefined,
])('an unknown thrown thing (%#) is 500 internal and leaks nothing', async (thrown) => {
  const { engine, http, signIn } = startApi();
  const auth = bearer(await signIn());
  engine.break('mine', thrown);
  const { body, headers, text } = await http.get('/api/v1/host/my').set(auth).expect(500);
  expect(body).toEqual({
    success: false,
    message: 'An internal error occurred',
    error: { code: 'internal', details: {}, request_id: headers['x-request-id'] },
  });
  expect(text + JSON.stringify(headers)).not.toMatch(/secret|boom|at /);
});

it('a failure while the token is checked is not taken for a bad token', async () => {
  const { engine, http, signIn } = startApi();
  const auth = bearer(await signIn());
  engine.break('authenticate', new EngineError('database_unavailable', 'The database does not answer'));
  await http.get('/api/v1/auth/me').set(auth).expect(503);
});

it('the log holds the whole chain and the request id, on one line', async () => {
  const { engine, http, log, signIn } = startApi();
  const auth = bearer(await signIn());
  const root = Object.assign(new Error('disk full'), { code: 'ENOSPC', body: 'password=hunter2' });
  engine.break('mine', new EngineError('internal', 'Public', { cause: root }));
  log.length = 0;
  await http
    .get('/api/v1/host/my')
    .set({ ...auth, 'X-Request-Id': 'trace-1' })
    .expect(500);
  expect(log).toHaveLength(1);
  expect(log[0]).toMatchObject({
    level: 'error',
    line: {
      request_id: 'trace-1',
      failure: [
        { message: 'Public', code: 'internal' },
        { message: 'disk full', code: 'ENOSPC' },
      ],
    },
  });
  expect(JSON.stringify(log)).not.toContain('hunter2');
});
