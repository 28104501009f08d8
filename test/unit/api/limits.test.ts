import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Test } from 'supertest';
import { startHttpServer, type HttpServer } from '../../../api/http-server';
import { fakeEngine } from '../../fakes/fake-engine';
import { until } from '../../support/until';
import { bearer, juno, mina, startApi } from './harness';

const running: HttpServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close(0);
});

const config = (settings: object) => ({ config: { REQUEST_WAIT_SECONDS: 5, ...settings } });

describe('requests a minute', () => {
  it('of a user are counted, told in every answer, and refused beyond the limit with the time to wait', async () => {
    const { http: api, signIn } = startApi(config({ RATE_LIMIT_PER_MINUTE: 3 }));
    const [one, other] = [bearer(await signIn(mina)), bearer(await signIn(juno))];
    const left: (string | undefined)[] = [];
    for (let count = 0; count < 3; count++) {
      const { headers } = await api.get('/api/v1/auth/me').set(one).expect(200);
      expect(headers).toMatchObject({ 'ratelimit-limit': '3', 'ratelimit-policy': '3;w=60' });
      expect(Number(headers['ratelimit-reset'])).toBeGreaterThan(50);
      left.push(headers['ratelimit-remaining']);
    }
    expect(left).toEqual(['2', '1', '0']);
    const { body, headers } = await api.get('/api/v1/auth/me').set(one).expect(429);
    expect(body.error).toMatchObject({
      code: 'rate_limited',
      details: { retry_after_seconds: expect.any(Number) },
    });
    expect(Number(headers['retry-after'])).toBeGreaterThan(50);
    // each user has a limit of their own, however many tokens
    await api.get('/api/v1/auth/me').set(other).expect(200);
    await api
      .get('/api/v1/auth/me')
      .set(bearer(await signIn(mina).catch(() => '')))
      .expect(401);
  });

  it('of an address that has not signed in are counted by what they cost, and probes are not', async () => {
    const { http: api } = startApi(config({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: 25 }));
    const signIn = () => api.post('/api/v1/auth/login').type('form').send({ username: 'x', password: 'y' });
    await signIn().expect(401);
    await signIn().expect(401);
    await signIn().expect(429);
    for (let count = 0; count < 30; count++) await api.get('/api/v1/health').expect(200);
    await api.get('/api/v1/version').expect(429);
  });

  it('with a bad token count for its address: guessing tokens is not free', async () => {
    const { http: api } = startApi(config({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: 2 }));
    const guess = (token: string) => api.get('/api/v1/auth/me').set(bearer(token));
    await guess('a').expect(401);
    await guess('b').expect(401);
    await guess('c').expect(429);
  });

  it.each([
    ['an address that is not there', 404, (api) => api.get('/api/v1/nothing')],
    ['an address that cannot be read', 400, (api) => api.get('/api/v1/operations/%ff')],
    ['an address that somebody hopes for', 404, (api) => api.get('/.env')],
    ['a method that is not there', 405, (api) => api.put('/api/v1/host')],
    ['a question for methods', 204, (api) => api.options('/api/v1/host')],
    [
      'a question of another origin',
      204,
      (api) => api.options('/api/v1/host').set('Origin', 'http://x.example'),
    ],
    ['a body that is no JSON', 400, (api) => api.post('/api/v1/auth/register').type('json').send('{'), 10],
    ['a body of another type', 415, (api) => api.post('/api/v1/auth/register').type('xml').send('<a/>'), 10],
    [
      'a body that is too large',
      413,
      (api) => api.post('/api/v1/auth/register').send({ a: 'x'.repeat(70_000) }),
      10,
    ],
    ['the documentation', 200, (api) => api.get('/docs')],
    ['a file of the documentation', 200, (api) => api.get('/docs/assets/swagger-ui.css')],
    ['the document', 200, (api) => api.get('/openapi.json')],
    ['metrics without the token', 404, (api) => api.get('/metrics')],
  ] as [string, number, (api: ReturnType<typeof startApi>['http']) => Test, number?][])(
    'count for whatever is asked: %s',
    async (_what, status, ask, cost = 1) => {
      const settings = { RATE_LIMIT_ANONYMOUS_PER_MINUTE: 2 * cost, METRICS_OPEN_LOCAL: false };
      const { http: api } = startApi(config(settings));
      const left: (string | undefined)[] = [];
      for (let count = 0; count < 2; count++) {
        const answer = await ask(api).expect(status);
        left.push(answer.headers['ratelimit-remaining']);
      }
      expect(left).toEqual([String(cost), '0']);
      const refused = await ask(api).expect(429);
      expect(refused.body.error.code).toBe('rate_limited');
      await api.get('/api/v1/version').expect(429);
      // probes are let through
      await api.get('/health').expect(200);
    },
  );

  it('that stay open are bounded for each user, however few they begin in a minute', async () => {
    const api = startApi({ ...config({ REQUEST_WAIT_SECONDS: 60 }), operationsEnd: 'by-hand' });
    const [one, other] = [bearer(await api.signIn(mina)), bearer(await api.signIn(juno))];
    await api.http
      .post('/api/v1/host')
      .set({ ...one, Prefer: 'respond-async' })
      .expect(202);
    const { id } = api.engine.fakeOperations.latest();
    const server = http.createServer(api.handle).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const at = `http://127.0.0.1:${port}/api/v1/operations/${id}/events`;
    let leave = new AbortController();
    const open = (headers: Record<string, string>) => fetch(at, { headers, signal: leave.signal });
    try {
      const opened = Array.from({ length: 100 }, () => open(one).then(({ status }) => status));
      expect(new Set(await Promise.all(opened))).toEqual(new Set([200]));
      const refused = await open(one);
      const { error } = (await refused.json()) as { error: { code: string } };
      expect([refused.status, error.code]).toEqual([429, 'too_many_at_once']);
      // what ends at once is not among them, and nobody else is
      expect((await fetch(`http://127.0.0.1:${port}/api/v1/auth/me`, { headers: one })).status).toBe(200);
      expect((await open(other)).status).toBe(404);
      // those that are left make room
      leave.abort();
      leave = new AbortController();
      await until(5_000, 'there is room again', async () => (await open(one)).status === 200);
    } finally {
      leave.abort();
      server.closeAllConnections();
      server.close();
    }
  });

  it('believe no X-Forwarded-For, unless the proxy is named', async () => {
    const statuses = async (settings: object) => {
      const { http: api } = startApi(config({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: 1, ...settings }));
      const found: number[] = [];
      for (const from of ['192.0.2.1', '192.0.2.2'])
        found.push((await api.get('/api/v1/version').set('X-Forwarded-For', from)).status);
      return found;
    };
    expect(await statuses({})).toEqual([200, 429]);
    expect(await statuses({ TRUSTED_PROXIES: ['10.0.0.1'] })).toEqual([200, 429]);
    expect(await statuses({ TRUSTED_PROXIES: ['127.0.0.0/8', '::1', '::ffff:127.0.0.1'] })).toEqual([
      200, 200,
    ]);
  });

  it('are not limited by 0', async () => {
    const { http: api } = startApi(config({ RATE_LIMIT_ANONYMOUS_PER_MINUTE: 0 }));
    const { headers } = await api.get('/api/v1/version').expect(200);
    expect(headers).not.toHaveProperty('ratelimit-limit');
  });
});

describe('other origins', () => {
  const preflight = {
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization',
  };
  const listed = config({ CORS_ORIGINS: ['https://panel.example.org'] });

  it.each(['https://panel.example.org', 'null', 'http://localhost:8000'])(
    'may not read anything by default: %s',
    async (origin) => {
      const { http: api } = startApi();
      for (const answer of [
        await api.get('/api/v1/version').set('Origin', origin),
        await api.options('/api/v1/host').set({ Origin: origin, ...preflight }),
      ])
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    },
  );

  it('that are listed may, without cookies', async () => {
    const { http: api } = startApi(listed);
    const Origin = 'https://panel.example.org';
    const { headers } = await api.get('/api/v1/version').set({ Origin }).expect(200);
    expect(headers).toMatchObject({
      'access-control-allow-origin': Origin,
      vary: expect.stringContaining('Origin'),
    });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
    const asked = await api
      .options('/api/v1/host')
      .set({ Origin, ...preflight })
      .expect(204);
    expect(asked.headers['access-control-allow-methods']).toContain('POST');
    expect(asked.headers['access-control-allow-headers']).toContain('Authorization');
    // also an answer that is an error can be read
    expect((await api.get('/nothing').set({ Origin })).headers['access-control-allow-origin']).toBe(Origin);
  });

  it.each([
    'https://panel.example.org.evil.example',
    'https://evil.example/https://panel.example.org',
    'http://panel.example.org',
    'https://PANEL.example.org',
    'https://panel.example.org:8443',
    'null',
  ])('that only look like it may not: %s', async (origin) => {
    const { http: api } = startApi(listed);
    const { headers } = await api.get('/api/v1/version').set('Origin', origin);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(headers['vary']).toContain('Origin');
  });
});

describe('a slow client', () => {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

  async function listen() {
    const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const server = await startHttpServer(
      { engine: fakeEngine(), config: { REQUEST_WAIT_SECONDS: 1 }, logger },
      { host: '127.0.0.1', port: 0 },
      { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 50 },
    );
    running.push(server);
    return server.port;
  }
  /** Sends a piece every 50 ms for as long as it is let. @returns what came back, and after how long the end */
  async function drip(port: number, opening: string, piece: string): Promise<{ text: string; ms: number }> {
    const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
    const started = performance.now();
    let text = '';
    socket.on('data', (data) => (text += String(data)));
    socket.write(opening);
    const dripping = setInterval(() => socket.write(piece), 50);
    await once(socket, 'close');
    clearInterval(dripping);
    return { text, ms: performance.now() - started };
  }

  it('of headers is cut off, and others are served meanwhile', async () => {
    const port = await listen();
    const slow = drip(port, 'GET /health HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n');
    const meanwhile = await fetch(`http://127.0.0.1:${port}/health`);
    expect(meanwhile.status).toBe(200);
    const { text, ms } = await slow;
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(ms).toBeGreaterThan(250);
    expect(ms).toBeLessThan(3_000);
  });

  it('of a body is cut off', async () => {
    const head =
      'POST /api/v1/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n\r\n';
    const { text, ms } = await drip(await listen(), head, '{');
    expect(text).not.toContain('200 OK');
    expect(ms).toBeGreaterThan(500);
    expect(ms).toBeLessThan(3_000);
  });

  /** How many of many connections are still open. */
  async function flood(port: number, count: number, opening: string): Promise<net.Socket[]> {
    const sockets = Array.from({ length: count }, () => net.connect(port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => undefined);
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) {
      socket.resume();
      if (opening !== '') socket.write(opening);
    }
    return sockets;
  }
  const openOf = (sockets: readonly net.Socket[]): number =>
    sockets.filter(({ destroyed }) => !destroyed).length;

  it.each([
    ['headers that do not end', 'GET /health HTTP/1.1\r\nHost: x\r\nX-A: '],
    ['nothing at all', ''],
    [
      'bodies that do not end',
      'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\nu',
    ],
    [
      'bodies that are refused and do not end',
      'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 50\r\n\r\nu',
    ],
  ])('that is many has few connections left, and others are served: %s', async (_what, opening) => {
    const server = await startHttpServer(
      { engine: fakeEngine(), config: { REQUEST_WAIT_SECONDS: 1 }, logger: silent },
      { host: '127.0.0.1', port: 0 },
      { headersTimeout: 60_000, requestTimeout: 60_000, unfinished: { perNetwork: 20, graceMs: 100 } },
    );
    running.push(server);
    // one that waits for its next request, and one whose answer goes on, are none of them
    const agent = new http.Agent({ keepAlive: true });
    const kept = () =>
      new Promise<number>((resolve, reject) => {
        const asked = http.get({ agent, port: server.port, host: '127.0.0.1', path: '/health' }, (answer) => {
          const { localPort = 0 } = answer.socket;
          answer.resume().on('end', () => resolve(localPort));
        });
        asked.on('error', reject);
      });
    const before = await kept();
    const sockets = await flood(server.port, 120, opening);
    await until(5_000, 'the oldest are closed', async () => openOf(sockets) <= 20);
    // and no more than those
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(openOf(sockets)).toBe(20);
    expect(await kept()).toBe(before);
    expect((await fetch(`http://127.0.0.1:${server.port}/health`)).status).toBe(200);
    agent.destroy();
    for (const socket of sockets) socket.destroy();
  });

  it.each([
    ['wait for another request', 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'],
    [
      'have sent a second one with the first, that does not end',
      'GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\nX-A: ',
    ],
  ])('has a few times as many that %s', async (_what, opening) => {
    const server = await startHttpServer(
      { engine: fakeEngine(), config: { REQUEST_WAIT_SECONDS: 1 }, logger: silent },
      { host: '127.0.0.1', port: 0 },
      { headersTimeout: 30_000, unfinished: { perNetwork: 20, quiet: 3, graceMs: 100 } },
    );
    running.push(server);
    const sockets = await flood(server.port, 120, opening);
    await until(5_000, 'the oldest are closed', async () => openOf(sockets) <= 60);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(openOf(sockets)).toBe(60);
    expect((await fetch(`http://127.0.0.1:${server.port}/health`)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });

  it('of 400 unfinished requests has none left soon, as the real service is set', async () => {
    const parts = { engine: fakeEngine(), config: { REQUEST_WAIT_SECONDS: 1 }, logger: silent };
    const server = await startHttpServer(parts, { host: '127.0.0.1', port: 0 });
    running.push(server);
    const begun = performance.now();
    const sockets = await flood(server.port, 400, 'GET /health HTTP/1.1\r\nHost: x\r\n');
    await until(5_000, 'a hundred are left', async () => openOf(sockets) <= 100);
    await until(10_000, 'none is left', async () => openOf(sockets) === 0);
    expect(performance.now() - begun).toBeLessThan(9_000);
  }, 20_000);

  it('that says nothing at all is cut off', async () => {
    const { ms } = await drip(await listen(), '', '');
    expect(ms).toBeLessThan(3_000);
  });

  it('of the real service has 5 s for headers and 30 s for all of it', async () => {
    const created = jest.spyOn(http, 'createServer');
    const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const parts = { engine: fakeEngine(), config: { REQUEST_WAIT_SECONDS: 1 }, logger };
    running.push(await startHttpServer(parts, { host: '127.0.0.1', port: 0 }));
    expect(created.mock.calls[0]?.[0]).toMatchObject({
      headersTimeout: 5_000,
      requestTimeout: 30_000,
      // how much later than that it may be
      connectionsCheckingInterval: 1_000,
    });
  });
});
