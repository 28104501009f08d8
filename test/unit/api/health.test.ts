import { readFileSync } from 'node:fs';
import path from 'node:path';
import { bearer, mina, startApi } from './harness';

const clock = { now: () => new Date('2026-01-31T12:00:00Z') };

it.each(['/api/v1/health', '/health'])('%s answers 200 without a token', async (at) => {
  const { http } = startApi({ clock });
  const { body } = await http.get(at).expect(200);
  expect(body).toEqual({
    success: true,
    message: 'The service is up',
    data: { status: 'ok', time: '2026-01-31T12:00:00.000Z' },
  });
});

it.each(['not ready', 'broken'])('health answers 503 when the engine is %s', async (how) => {
  const { engine, http } = startApi();
  if (how === 'broken') engine.break('basic', new Error('ECONNREFUSED 10.0.0.1'));
  else engine.condition.ready = false;
  const { body, headers, text } = await http.get('/health').expect(503);
  expect(body).toMatchObject({ success: false, error: { code: 'not_ready' } });
  expect(headers['retry-after']).toBe('5');
  expect(text).not.toContain('10.0.0.1');
});

it.each(['/api/v1/health/detailed', '/health/detailed'])('%s names every part', async (at) => {
  const { http } = startApi({ clock });
  const { body } = await http.get(at).expect(200);
  expect(body.data.status).toBe('ok');
  expect(body.data.components.map(({ name }: { name: string }) => name)).toEqual([
    'postgres',
    'queue',
    'reconcilers',
    'libvirt',
    'network',
    'vms',
    'nginx',
    'terraform',
    'disk',
  ]);
  expect(body.data.components[0]).toEqual({
    name: 'postgres',
    status: 'ok',
    latency_ms: 1.5,
    detail: 'fake',
  });
});

describe('detailed health, for those who do not operate the service', () => {
  const token = 'a-token-of-the-metrics-of-forty-characters';
  const config = { REQUEST_WAIT_SECONDS: 5, METRICS_TOKEN: token };

  it.each(['/api/v1/health/detailed', '/health/detailed'])('%s is the status alone', async (at) => {
    const { engine, http, signIn } = startApi({ clock, config });
    const user = bearer(await signIn());
    for (const headers of [{}, user]) {
      const { body } = await http.get(at).set(headers).expect(200);
      expect(body.data).toEqual({ status: 'ok', time: '2026-01-31T12:00:00.000Z' });
    }
    engine.condition.components = engine.condition.components.map((part) => ({
      ...part,
      status: 'down',
      detail: 'of 1.2.3',
    }));
    const { body, text } = await http.get(at).expect(503);
    expect(body.error.details).toEqual({ status: 'down', time: '2026-01-31T12:00:00.000Z' });
    expect(text).not.toContain('1.2.3');
  });

  it('is whole for administrators with the scope for it, and for whoever reads the metrics', async () => {
    const { engine, http, signIn } = startApi({ config });
    const session = await signIn();
    engine.makeAdmin(mina.email);
    const { user } = await engine.accounts.authenticate(session);
    const scoped = async (scope: 'admin' | 'hosting:read') =>
      (await engine.tokens.create(user, { name: 'x', scopes: [scope], days: 1 })).token;
    const partsFor = async (given: string): Promise<number> =>
      (await http.get('/health/detailed').set(bearer(given)).expect(200)).body.data.components?.length ?? 0;
    expect(await partsFor(session)).toBe(9);
    expect(await partsFor(token)).toBe(9);
    expect(await partsFor(await scoped('admin'))).toBe(9);
    expect(await partsFor(await scoped('hosting:read'))).toBe(0);
  });

  it.each(['Bearer nonsense', 'Basic bWluYTpw', 'Bearer'])(
    'is refused to %j, which is nobody',
    async (given) => {
      const { http } = startApi({ config });
      await http.get('/health/detailed').set('Authorization', given).expect(401);
    },
  );
});

it('detailed health is degraded with its worst part, and 503 when one is down', async () => {
  const { engine, http } = startApi();
  const worst = (status: 'degraded' | 'down') => {
    engine.condition.components = engine.condition.components.map((part) =>
      part.name === 'disk' ? { ...part, status } : part,
    );
  };
  worst('degraded');
  const degraded = await http.get('/health/detailed').expect(200);
  expect(degraded.body).toMatchObject({ success: true, data: { status: 'degraded' } });
  worst('down');
  const down = await http.get('/health/detailed').expect(503);
  const details = down.body.error.details;
  expect(details.status).toBe('down');
  expect(details.components).toContainEqual({
    name: 'disk',
    status: 'down',
    latency_ms: 1.5,
    detail: 'fake',
  });
});

it('detailed health checks once for all who ask meanwhile, and anew afterwards', async () => {
  const { engine, http } = startApi();
  const detailed = jest.spyOn(engine.health, 'detailed');
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  detailed.mockImplementation(async () => held.then(() => engine.condition.components));
  const asked = [1, 2, 3].map(() => http.get('/health/detailed').then(({ status }) => status));
  await new Promise((resolve) => setTimeout(resolve, 100));
  release();
  expect(await Promise.all(asked)).toEqual([200, 200, 200]);
  expect(detailed).toHaveBeenCalledTimes(1);
  await http.get('/health/detailed').expect(200);
  expect(detailed).toHaveBeenCalledTimes(2);
});

it.each(['/version', '/api/v1/version'])('%s answers the version of package.json', async (at) => {
  const { http } = startApi();
  const { version } = JSON.parse(readFileSync(path.join(__dirname, '../../../package.json'), 'utf8'));
  const { body } = await http.get(at).expect(200);
  expect(body.data).toEqual({ name: 'vm-webhoster', version, api_version: 'v1' });
});
