import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { startHttpServer, type HttpServer } from '../../../api/http-server';
import { FakeEngine } from '../../fakes/fake-engine';
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
  async function listen() {
    const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const server = await startHttpServer(
      { engine: new FakeEngine(), config: { REQUEST_WAIT_SECONDS: 1 }, logger },
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

  it('that says nothing at all is cut off', async () => {
    const { ms } = await drip(await listen(), '', '');
    expect(ms).toBeLessThan(3_000);
  });

  it('of the real service has 10 s for headers and 30 s for all of it', async () => {
    const created = jest.spyOn(http, 'createServer');
    const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const parts = { engine: new FakeEngine(), config: { REQUEST_WAIT_SECONDS: 1 }, logger };
    running.push(await startHttpServer(parts, { host: '127.0.0.1', port: 0 }));
    expect(created.mock.calls[0]?.[0]).toMatchObject({ headersTimeout: 10_000, requestTimeout: 30_000 });
  });
});
