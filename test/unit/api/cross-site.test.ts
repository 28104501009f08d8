import { bearer, juno, mina, startApi } from './harness';

const panel = 'https://panel.example.org';
const limited = (settings: object = {}) => ({
  config: {
    REQUEST_WAIT_SECONDS: 5,
    RATE_LIMIT_ANONYMOUS_PER_MINUTE: 20,
    CORS_ORIGINS: [panel],
    ...settings,
  },
});
const signIn = (
  api: ReturnType<typeof startApi>,
  headers: Record<string, string>,
  password = mina.password,
) => api.http.post('/api/v1/auth/login').set(headers).type('form').send({ username: mina.email, password });

describe('a request that a page of another site makes a browser send', () => {
  it.each([
    [
      'by a form, with TLS',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', Origin: 'https://evil.example' },
    ],
    [
      'from a page of a user, below the same domain',
      { 'Sec-Fetch-Site': 'same-site', Origin: 'https://juno.example.org' },
    ],
    ['from a page that hides where it is', { 'Sec-Fetch-Site': 'cross-site', Origin: 'null' }],
    ['over plain HTTP', { Origin: 'http://evil.example' }],
    ['over plain HTTP, from the same machine', { Origin: 'http://127.0.0.1:1' }],
    ['over plain HTTP, without a place', { Origin: 'null' }],
    ['with an origin that only looks listed', { Origin: `${panel}.evil.example` }],
    ['with two words for where it comes from', { 'Sec-Fetch-Site': 'same-origin, cross-site' }],
  ])('is refused and costs its user nothing: %s', async (_what, headers) => {
    const api = startApi(limited());
    await api.http.post('/api/v1/auth/register').send(mina).expect(201);
    const login = jest.spyOn(api.engine.accounts, 'login');
    for (let count = 0; count < 30; count++) {
      const { body, headers: told } = await signIn(api, headers, 'wrong').expect(403);
      expect(body.error.code).toBe('cross_site_refused');
      expect(body.message).toContain('CORS_ORIGINS');
      expect(told).not.toHaveProperty('ratelimit-limit');
    }
    expect(login).not.toHaveBeenCalled();
    expect(api.engine.audited.map(({ action }) => action)).toEqual(['register']);
    // the limit of their address is as it was: 20, less 10 for the registration
    await signIn(api, {}).expect(200);
  });

  it.each(['post', 'put', 'patch', 'delete'] as const)('is refused by every address: %s', async (method) => {
    const api = startApi(limited());
    const foreign = { 'Sec-Fetch-Site': 'cross-site' };
    for (const at of ['/api/v1/host', '/api/v1/host/my', '/health', '/docs', '/nothing', '/metrics'])
      expect([at, (await api.http[method](at).set(foreign)).status]).toEqual([at, 403]);
  });

  it('to load something is refused too; following a link is not', async () => {
    const api = startApi(limited());
    const image = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' };
    for (let count = 0; count < 30; count++) await api.http.get('/api/v1/version').set(image).expect(403);
    const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
    await api.http.get('/docs').set(link).expect(200);
  });
});

describe('a request is let through', () => {
  it.each([
    ['of a program, which says nothing of all that', {}],
    [
      'of this address’s own page, with TLS',
      { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://api.example.org' },
    ],
    [
      'of this address’s own page, over plain HTTP',
      { Host: 'api.example.org:8000', Origin: 'http://api.example.org:8000' },
    ],
    [
      'of this address’s own page, behind a proxy that ends TLS',
      { Host: 'api.example.org', Origin: 'https://api.example.org' },
    ],
    ['of somebody who typed the address', { 'Sec-Fetch-Site': 'none' }],
    ['of a listed page', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors', Origin: panel }],
    ['of a listed page, by a browser that says no more', { Origin: panel }],
  ])('%s', async (_what, headers) => {
    const api = startApi(limited({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: 0 }));
    await api.http.post('/api/v1/auth/register').send(mina).expect(201);
    await signIn(api, headers).expect(200);
    await api.http.post('/api/v1/auth/register').set(headers).send(juno).expect(201);
  });

  it('a listed page’s question before it sends one', async () => {
    const { http } = startApi(limited());
    const asked = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors', Origin: panel };
    const { headers } = await http
      .options('/api/v1/host')
      .set({ ...asked, 'Access-Control-Request-Method': 'POST' })
      .expect(204);
    expect(headers['access-control-allow-origin']).toBe(panel);
  });
});

describe('a body that a form can send', () => {
  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'Text/Plain;charset=utf-8',
  ])('is refused before anything is counted or looked up: %s', async (type) => {
    const api = startApi(limited());
    const authenticate = jest.spyOn(api.engine.accounts, 'authenticate');
    for (const [method, at] of [
      ['post', '/api/v1/auth/register'],
      ['post', '/api/v1/auth/logout'],
      ['post', '/api/v1/host'],
      ['delete', '/api/v1/auth/me'],
      ['post', '/api/v1/host/my/wake'],
    ] as const) {
      const { body, headers } = await api.http[method](at)
        .set(bearer('x'))
        .set('Content-Type', type)
        .send('{"a":1}')
        .expect(415);
      expect(body.error).toMatchObject({ details: { expected: 'application/json' } });
      expect(headers).not.toHaveProperty('ratelimit-limit');
    }
    expect(authenticate).not.toHaveBeenCalled();
  });

  it('is taken to sign in with, where that is the form that is asked for', async () => {
    const api = startApi(limited());
    const at = '/api/v1/auth/login';
    await api.http.post(at).set('Content-Type', 'text/plain').send('username=a&password=b').expect(415);
    await signIn(api, {}).expect(401);
  });

  it('may be named for no body at all, as curl -d "" does', async () => {
    const { http, signIn: enter } = startApi();
    const auth = bearer(await enter());
    await http.post('/api/v1/host').set(auth).set('Content-Length', '0').type('form').expect(201);
  });
});
