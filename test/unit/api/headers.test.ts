import { bearer, mina, startApi } from './harness';

describe('X-Request-Id', () => {
  it('is made, and different each time', async () => {
    const { http } = startApi();
    const ids = [await http.get('/health'), await http.get('/health')].map(
      ({ headers }) => headers['x-request-id'],
    );
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('is taken from the request when sane', async () => {
    const { http } = startApi();
    const { headers, body } = await http.get('/nothing').set('X-Request-Id', 'abc-123_x.y');
    expect(headers['x-request-id']).toBe('abc-123_x.y');
    expect(body.error.request_id).toBe('abc-123_x.y');
  });

  it.each(['', 'a b', 'x'.repeat(129), '{"a":1}', '<script>'])('is made anew for %j', async (id) => {
    const { http } = startApi();
    const { headers } = await http.get('/health').set('X-Request-Id', id);
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

it.each([
  ['get', '/api/v1/health'],
  ['get', '/api/v1/auth/me'],
  ['get', '/nothing'],
  ['post', '/api/v1/auth/register'],
  ['put', '/api/v1/host'],
] as const)('%s %s carries the security headers', async (method, at) => {
  const { http } = startApi();
  const { headers } = await http[method](at).set('Origin', 'http://evil.example');
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'x-request-id': expect.any(String),
  });
  const refused = [
    'x-powered-by',
    'access-control-allow-origin',
    'etag',
    'strict-transport-security',
    'set-cookie',
  ];
  expect(refused.filter((name) => name in headers)).toEqual([]);
});

describe('the log', () => {
  it('has one line per request: method, route, status, milliseconds, request id', async () => {
    const { http, log, signIn } = startApi();
    const auth = bearer(await signIn());
    log.length = 0;
    const { headers } = await http
      .get('/api/v1/operations/7f0c1f4e-3f3c-4a55-9d2e-0a4b8c9d1e2f')
      .set(auth)
      .expect(404);
    expect(log).toEqual([
      {
        level: 'info',
        line: {
          method: 'GET',
          route: '/api/v1/operations/{id}',
          status: 404,
          ms: expect.any(Number),
          request_id: headers['x-request-id'],
          user_id: 1,
        },
      },
    ]);
  });

  it('never holds bodies, tokens, query strings, cookies or unknown paths', async () => {
    const { http, log, signIn } = startApi();
    const token = await signIn();
    await http.get('/health?token=in-the-query').set('Cookie', 'session=in-the-cookie').expect(200);
    await http.get('/nothing/in-the-path').set(bearer(token)).expect(404);
    await http.post('/api/v1/auth/register').type('json').send('{"password":"in-the-body"').expect(400);
    await http.get('/docs').expect(200);
    const written = JSON.stringify(log);
    for (const secret of [token, mina.password, 'in-the']) expect(written).not.toContain(secret);
    expect(log.map(({ line }) => line['route'])).toEqual([
      '/api/v1/auth/register',
      '/api/v1/auth/login',
      '/health',
      'unmatched',
      '/api/v1/auth/register',
      '/docs',
    ]);
  });
});
