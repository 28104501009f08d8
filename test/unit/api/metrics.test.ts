import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { bearer, startApi, type ApiOptions } from './harness';

const token = 'a-token-of-at-least-32-characters-xx';
const withToken: ApiOptions = {
  config: { REQUEST_WAIT_SECONDS: 5, METRICS_TOKEN: token, METRICS_OPEN_LOCAL: true },
};
/** As the service comes. */
const byDefault: ApiOptions = { config: { REQUEST_WAIT_SECONDS: 5 } };
/** A peer elsewhere, as Node tells it. */
const elsewhere = '192.0.2.7';

/** Asks as if from that address. */
async function scrape(
  { handle }: ReturnType<typeof startApi>,
  from: string,
  headers: Record<string, string> = {},
) {
  const server = http.createServer((request, response) => {
    Object.defineProperty(request.socket, 'remoteAddress', { value: from });
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Of everything that there is at most. */
async function everyMetric(): Promise<string> {
  return (await scrape(startApi(), '127.0.0.1')).text;
}

it('docs/monitoring.md names every metric', async () => {
  const page = readFileSync(path.join(__dirname, '../../../docs/monitoring.md'), 'utf8');
  const names = [...(await everyMetric()).matchAll(/^# TYPE (webhoster_\w+) /gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

describe('GET /metrics', () => {
  it('tells this machine the counts in the text format of Prometheus', async () => {
    const { status, type, text } = await scrape(startApi(), '127.0.0.1');
    expect(status).toBe(200);
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
    const samples = text.split('\n').filter((line) => line.startsWith('webhoster_'));
    expect(samples).toEqual([
      'webhoster_operations{kind="delete-hosting",status="stuck"} 2',
      'webhoster_operation_oldest_seconds{status="stuck"} 61.5',
      'webhoster_hostings{status="running"} 7',
      'webhoster_spares{state="waiting"} 2',
      'webhoster_ssh_ports_used 7',
      'webhoster_ssh_ports 10001',
      'webhoster_drift_hostings 3',
      'webhoster_drift_failed_looks 1',
      'webhoster_drift_oldest_look_seconds 90.5',
      'webhoster_sweep_age_seconds 12',
      'webhoster_sweep_findings{kind="domain"} 1',
      'webhoster_queue_jobs_waiting 3',
      'webhoster_queue_jobs_running 1',
      'webhoster_queue_oldest_seconds 4.5',
      'webhoster_leases_held 1',
      'webhoster_leases_expired 0',
      'webhoster_libvirt_up 1',
      'webhoster_vms{state="running"} 7',
      'webhoster_nginx_draining_workers{nginx="ssh"} 3',
      'webhoster_pool_free_bytes 1000',
      'webhoster_pool_total_bytes 4000',
      'webhoster_reconciler_age_seconds{name="sweep"} 3.5',
      'webhoster_reconciler_failed{name="sweep"} 0',
      'webhoster_certificate_left_seconds{name="pages.example.org"} 5227200',
      'webhoster_certificate_failures{name="pages.example.org"} 0',
      'webhoster_operations_seconds_bucket{kind="create-hosting",outcome="succeeded",le="1"} 2',
      'webhoster_operations_seconds_bucket{kind="create-hosting",outcome="succeeded",le="10"} 5',
      'webhoster_operations_seconds_bucket{kind="create-hosting",outcome="succeeded",le="+Inf"} 6',
      'webhoster_operations_seconds_sum{kind="create-hosting",outcome="succeeded"} 42.5',
      'webhoster_operations_seconds_count{kind="create-hosting",outcome="succeeded"} 6',
    ]);
    // each has its help and its type, and the process is there as well
    for (const name of ['webhoster_operations', 'webhoster_sweep_findings', 'process_resident_memory_bytes'])
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.*\n# TYPE ${name} gauge$`, 'm'));
    expect(text.endsWith('\n')).toBe(true);
  });

  it('tells what is at the moment, and nothing of a sweep before the first one', async () => {
    const api = startApi();
    await scrape(api, '127.0.0.1');
    api.engine.condition.numbers = {
      ...api.engine.condition.numbers,
      hostings: [{ status: 'creating', count: 1 }],
      sweep: null,
    };
    const { text } = await scrape(api, '127.0.0.1');
    expect(text).toContain('webhoster_hostings{status="creating"} 1');
    expect(text).not.toContain('webhoster_hostings{status="running"}');
    expect(text).not.toContain('webhoster_sweep');
  });

  it('counts requests by route and status, never by what was asked for', async () => {
    const api = startApi();
    await api.http.get('/api/v1/version').expect(200);
    await api.http.get('/api/v1/host/my').expect(401);
    await api.http.get('/secret/of/mina').expect(404);
    const { text } = await scrape(api, '127.0.0.1');
    const counts = text
      .split('\n')
      .filter((line) => line.startsWith('webhoster_http_request_duration_seconds_count'));
    expect(counts.sort()).toEqual([
      'webhoster_http_request_duration_seconds_count{method="GET",route="/api/v1/host/my",status="401"} 1',
      'webhoster_http_request_duration_seconds_count{method="GET",route="/api/v1/version",status="200"} 1',
      'webhoster_http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1',
    ]);
    expect(text).not.toContain('mina');
  });

  it('tells that libvirt is away, and nothing of its VMs', async () => {
    const api = startApi();
    api.engine.condition.numbers = { ...api.engine.condition.numbers, vms: null, pool: null };
    const { text } = await scrape(api, '127.0.0.1');
    expect(text).toContain('webhoster_libvirt_up 0');
    expect(text).not.toMatch(/^webhoster_(vms|pool)/m);
  });

  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('answers the peer %s', async (from) => {
    expect((await scrape(startApi(), from)).status).toBe(200);
  });

  it.each([elsewhere, '::ffff:192.0.2.7', '10.90.0.5', '::', '0.0.0.0', '1127.0.0.1'])(
    'is not there for the peer %s',
    async (from) => {
      const { status, text } = await scrape(startApi(), from);
      expect(status).toBe(404);
      expect(JSON.parse(text).error.code).toBe('not_found');
    },
  );

  it.each(['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'Via'])(
    'is not there for whom a proxy on this machine speaks for (%s)',
    async (header) => {
      expect((await scrape(startApi(), '127.0.0.1', { [header]: elsewhere })).status).toBe(404);
    },
  );

  it('is not there for this machine either, unless it is said to be alone: a proxy may add no header', async () => {
    expect((await scrape(startApi(byDefault), '127.0.0.1')).status).toBe(404);
    const tokenOnly = { config: { REQUEST_WAIT_SECONDS: 5, METRICS_TOKEN: token } };
    expect((await scrape(startApi(tokenOnly), '127.0.0.1')).status).toBe(404);
    expect((await scrape(startApi(tokenOnly), '127.0.0.1', bearer(token))).status).toBe(200);
  });

  it('opens to the token from anywhere, where there is one', async () => {
    const { status, text } = await scrape(startApi(withToken), elsewhere, bearer(token));
    expect(status).toBe(200);
    expect(text).toContain('webhoster_hostings');
    expect(text).not.toContain(token);
    expect((await scrape(startApi(withToken), '127.0.0.1')).status).toBe(200);
  });

  it.each([
    ['no token is set', {}, bearer(token)],
    ['none is sent', withToken, {}],
    ['it is another', withToken, bearer(token.replace('a', 'b'))],
    ['it is a part', withToken, bearer(token.slice(0, -1))],
    ['it comes by another scheme', withToken, { Authorization: `Basic ${token}` }],
  ] as [string, ApiOptions, Record<string, string>][])(
    'stays closed when %s',
    async (_, options, headers) => {
      expect((await scrape(startApi(options), elsewhere, headers)).status).toBe(404);
    },
  );

  it('is not open to a user, nor to an operator, by their access token', async () => {
    const api = startApi(withToken);
    expect((await scrape(api, elsewhere, bearer(await api.signIn()))).status).toBe(404);
  });

  it('is 503 while the database is away, and each application has numbers of its own', async () => {
    const [one, other] = [startApi(), startApi()];
    one.engine.break('metrics', Object.assign(new Error('connect ECONNREFUSED'), { code: '57P01' }));
    expect((await scrape(one, '127.0.0.1')).status).toBe(503);
    expect((await scrape(other, '127.0.0.1')).status).toBe(200);
  });
});
