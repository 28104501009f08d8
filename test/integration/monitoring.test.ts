/** The alerts and the dashboard against what a real Prometheus scrapes from the real metrics page. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from '../../api/app';
import type { Engine } from '../../engine/engine';
import { hostings } from '../../engine/hostings';
import { memoryLimiter } from '../../engine/base/limits';
import { metrics } from '../../engine/monitoring';
import { runCommand } from '../../engine/base/process';
import { recordSweep } from '../../engine/store/sweeps';
import { insertUser } from '../../engine/store/users';
import { sweep } from '../../engine/sweep';
import { type HttpsWorld, openHttpsWorld } from '../worlds/https-world';
import { freePort } from '../support/postgres';

jest.setTimeout(120_000);

const monitoring = path.join(__dirname, '../../deploy/monitoring');
const token = 'a-token-of-the-scraper-0123456789';
const limiter: Engine['limiter'] = (_, limit) => memoryLimiter(limit);
const read = (name: string): string => readFileSync(path.join(monitoring, name), 'utf8');
/** Every metric that a text names. */
const namesIn = (text: string): string[] => [
  ...new Set(text.match(/\b(?:webhoster|process|nodejs)_[a-z0-9_]+/g) ?? []),
];

describe('promtool', () => {
  it.each([
    ['promtool accepts the rules', ['check', 'rules', 'alerts.yml']],
    // that the token's file is there is not asked
    ['promtool accepts the configuration', ['check', 'config', '--syntax-only', 'prometheus.yml']],
    [
      'promtool sees each alert fire when its condition holds, and none when all is well',
      ['test', 'rules', 'alerts.test.yml'],
    ],
  ])('%s', async (_, args) => {
    const { code, stdout, stderr } = await runCommand(['promtool', ...args], { cwd: monitoring });
    expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS') as string]);
  });

  it('promtool’s tests cover every alert', () => {
    const alerts = [...read('alerts.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    const tested = [...read('alerts.test.yml').matchAll(/alertname="(\w+)"/g)].map(([, name]) => name);
    expect(tested.sort()).toEqual(alerts.sort());
  });
});

describe('Prometheus', () => {
  let world: HttpsWorld;
  let server: http.Server;
  let prometheus: ChildProcess;
  let dir: string;
  let url: string;

  beforeAll(async () => {
    process.umask(0o077);
    dir = mkdtempSync(path.join(tmpdir(), 'webhoster-prometheus-'));
    world = await openHttpsWorld({ TLS_MODE: 'self-signed', POOL_DIR: '/var/lib' });
    await world.keep();
    await makeHosting();
    await recordSweep(world.parts.database.direct, await sweep(world.parts));
    await world.parts.measures.flush(world.parts.database.direct);
    const engine = { metrics: metrics(world.parts), limiter } as unknown as Engine;
    const logger = { info: () => undefined, warn: () => undefined, error: () => undefined } as never;
    server = http.createServer(
      createApp({ engine, config: { ...world.config, METRICS_TOKEN: token }, logger }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    await fetch(`http://${target}/api/v1/version`);
    writeFileSync(path.join(dir, 'token'), token);
    writeFileSync(path.join(dir, 'alerts.yml'), read('alerts.yml'));
    writeFileSync(
      path.join(dir, 'prometheus.yml'),
      read('prometheus.yml')
        .replace('127.0.0.1:8000', target)
        .replace('/etc/prometheus/vm-webhoster.token', path.join(dir, 'token'))
        .replaceAll('15s', '1s'),
    );
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${dir}/prometheus.yml`,
        `--storage.tsdb.path=${dir}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    await scraped();
  });

  afterAll(async () => {
    if (prometheus.kill()) await once(prometheus, 'exit');
    server.closeAllConnections();
    server.close();
    await world.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** From acceptance to a page that is served: operations, steps, Terraform and Nginx are measured on the way. */
  async function makeHosting(): Promise<void> {
    const { database } = world.parts;
    const user = await insertUser(database.direct, {
      email: 'mina@example.org',
      username: 'mina',
      passwordHash: 'none',
    });
    const { hosting } = await hostings(world.parts).create(user, {});
    await world.runner.perform(hosting.id, new AbortController().signal);
    expect(await hostings(world.parts).mine(user)).toMatchObject({ status: 'running' });
  }

  async function ask<T>(at: string): Promise<T> {
    const { data } = (await (await fetch(`${url}/api/v1/${at}`)).json()) as { data: T };
    return data;
  }

  async function scraped(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const value = await ask<{ result: { value: [number, string] }[] }>('query?query=up').catch(() => null);
      if (value?.result[0]?.value[1] === '1') return;
      if (tries > 300) throw new Error(`Prometheus scrapes nothing: ${JSON.stringify(await ask('targets'))}`);
      await delay(200);
    }
  }

  it('promtool finds no fault in the metrics’ names, units and help texts', async () => {
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
    const text = await (await fetch(at, { headers: { Authorization: `Bearer ${token}` } })).text();
    expect(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })).toBe('');
  });

  it.each(['alerts.yml', 'dashboard.json'])('Prometheus knows every metric that %s names', async (file) => {
    const known = await ask<string[]>('label/__name__/values');
    const wanted = namesIn(read(file));
    expect(wanted.length).toBeGreaterThan(10);
    expect(wanted.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('Prometheus can evaluate every panel with every label in its legend', async () => {
    const { panels } = JSON.parse(read('dashboard.json')) as {
      panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[];
    };
    const broken: string[] = [];
    for (const { title, targets = [] } of panels)
      for (const { expr } of targets) {
        const query = encodeURIComponent(expr.replaceAll('$__rate_interval', '1m'));
        const { status, error } = (await (await fetch(`${url}/api/v1/query?query=${query}`)).json()) as {
          status: string;
          error?: string;
        };
        if (status !== 'success') broken.push(`${title}: ${error}`);
      }
    expect(broken).toEqual([]);
  });

  it('Prometheus knows the labels that alerts and the dashboard select by', async () => {
    const chosen = async (query: string): Promise<number> =>
      (await ask<{ result: unknown[] }>(`query?query=${encodeURIComponent(query)}`)).result.length;
    for (const query of [
      'webhoster_operations_seconds_count{kind="create-hosting",outcome="succeeded"}',
      'webhoster_operation_steps_seconds_bucket{kind="create-hosting",step="apply",outcome="done",le="+Inf"}',
      'webhoster_operation_steps_seconds_bucket{kind="create-hosting",step="check",outcome="done",le="1"}',
      'webhoster_terraform_phases_seconds_count{phase="apply",outcome="succeeded"}',
      'webhoster_nginx_reloads_seconds_count{outcome="served"}',
      'webhoster_certificate_orders_seconds_count{source="self-signed",outcome="issued"}',
      'webhoster_certificate_left_seconds{name="self-signed"} > 390 * 86400',
      'webhoster_http_request_duration_seconds_count{method="GET",route="/api/v1/version",status="200"}',
      'webhoster_vms{state="running"}',
      'webhoster_operations{status="stuck"}',
    ])
      expect([query, (await chosen(query)) > 0]).toEqual([query, true]);
    expect(await chosen('webhoster_operations_seconds_count{outcome="succeeded"} == 1')).toBe(1);
  });

  it('no alert fires while all is well', async () => {
    const { alerts } = await ask<{ alerts: { labels: { alertname: string } }[] }>('alerts');
    expect(alerts.map(({ labels }) => labels.alertname)).toEqual([]);
  });
});
