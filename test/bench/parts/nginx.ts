/**
 * Nginx with ten to ten thousand hostings: from a changed route to its being live, part by part, and what a request
 * through the routes costs beside a bare `proxy_pass` of the same program.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../../engine/base/clock';
import { nginxModules } from '../../../engine/machine/nginx/nginx-modules';
import { nginxProxy, type NginxOptions } from '../../../engine/machine/nginx/nginx';
import type { Route } from '../../../engine/machine/nginx/proxy';
import { renderNginx } from '../../../engine/machine/nginx/render';
import type { Isolated } from '../namespace';
import { progress, seconds } from '../progress';
import { type Bound, newSamples, type PartResult, ratio, type Samples, type Series } from '../result';
import { shown } from '../statistics';
import { median } from '../statistics';
import { wrk } from '../wrk';

const run = promisify(execFile);
const sizes = [10, 100, 1_000, 10_000] as const;
const bounds = { secondsAtMost: 2, throughput: 0.9 };
const phases = ['render', 'nginx -t', 'until live'] as const;
/** A guest that answers as fast as Nginx can. */
const guest = '127.1.0.1';

export async function measureNginx(given: Isolated): Promise<PartResult> {
  const samples = newSamples();
  await measurePublishes(given, samples);
  await measureProxying(given, samples);
  return {
    part: 'nginx',
    title: 'Nginx by the number of hostings',
    series: seriesOf(samples),
    bounds: boundsOf(samples),
    notes: [
      'a publish is what one create or delete costs: all is rendered, tested by Nginx, swapped in and reloaded, until ten answers in a row are of the new generation',
      'each hosting has its SSH port, so that Nginx listens on as many ports as there are hostings',
      'render and nginx -t are measured apart as well; the publish contains both',
    ],
  };
}

async function measurePublishes(given: Isolated, samples: Samples): Promise<void> {
  const proxies = sizes.map((size, index) => {
    const options = optionsOf(given, index, `proxy-${size}`);
    return {
      size,
      options,
      proxy: nginxProxy(options),
      firstPort: size === 10_000 ? 10_000 : 20_000 + 2_000 * index,
    };
  });
  for (const { size, proxy, firstPort } of proxies) {
    progress(`${shown(size)} hostings: first start`);
    await proxy.publish(routesOf(size, firstPort, 0));
  }
  for (let round = 1; round <= given.runs; round++)
    for (const { size, options, proxy, firstPort } of proxies) {
      const routes = routesOf(size, firstPort, round);
      samples.add(
        `${size} render`,
        await seconds(() => Promise.resolve(renderNginx(options, routes, '0'.repeat(16)))),
      );
      const test = ['-p', options.dir, '-c', path.join(options.dir, 'nginx.conf'), '-t', '-q'];
      samples.add(`${size} nginx -t`, await seconds(() => run('nginx', test)));
      samples.add(`${size} until live`, await seconds(() => proxy.publish(routes)));
      progress(
        `${round}/${given.runs} ${shown(size)} hostings: ${phases.map((phase) => `${phase} ${shown(samples.of(`${size} ${phase}`).at(-1) ?? NaN)} s`).join(', ')}`,
      );
    }
}

async function measureProxying(given: Isolated, samples: Samples): Promise<void> {
  await startGuest(given);
  const options = optionsOf(given, sizes.length, 'throughput');
  const routes = routesOf(1_000, 30_000, 0).map((route) => ({ ...route, ip: guest }));
  await nginxProxy(options).publish(routes);
  const bare = await startBare(given);
  const targets = [
    { name: 'by the path', url: `http://127.0.0.1:${options.httpPort}/500` },
    {
      name: 'by the host name',
      url: `http://127.0.0.1:${options.httpPort}/`,
      host: `user-500.${options.baseDomain}`,
    },
    { name: 'bare proxy_pass', url: bare },
  ];
  const load = { connections: 50, seconds: given.quick ? 1 : 8 };
  for (const target of targets) await wrk(given.dir, { ...target, ...load, seconds: 1 });
  for (let round = 1; round <= given.runs; round++)
    for (const target of targets) {
      const { requestsPerSecond } = await wrk(given.dir, { ...load, ...target });
      samples.add(target.name, requestsPerSecond);
      progress(`${round}/${given.runs} ${target.name}: ${requestsPerSecond.toFixed(0)}/s`);
    }
}

function seriesOf(samples: Samples): Series[] {
  const publish = sizes.map((size) => ({
    group: 'publish, from a changed route to its being live',
    name: `${shown(size)} hostings`,
    unit: 's' as const,
    samples: samples.of(`${size} until live`),
    role: 'ours' as const,
  }));
  const parts = (['render', 'nginx -t'] as const).flatMap((phase) =>
    sizes.map((size) => ({
      group: phase,
      name: `${shown(size)} hostings`,
      unit: 's' as const,
      samples: samples.of(`${size} ${phase}`),
      role: 'detail' as const,
    })),
  );
  const throughput = ['by the path', 'by the host name', 'bare proxy_pass'].map((name) => ({
    group: 'throughput, 1,000 hostings',
    name,
    unit: 'requests/s' as const,
    samples: samples.of(name),
    role: name === 'bare proxy_pass' ? ('compared' as const) : ('ours' as const),
  }));
  return [...publish, ...parts, ...throughput];
}

function boundsOf(samples: Samples): Bound[] {
  const proxying = ['by the path', 'by the host name'].map((name) => ({
    name: `throughput ${name}, as a part of a bare proxy_pass's`,
    value: ratio(samples.of(name), samples.of('bare proxy_pass')),
    unit: '' as const,
    sense: 'at least' as const,
    limit: bounds.throughput,
  }));
  const publish = {
    name: 'publish with 10,000 hostings',
    value: median(samples.of('10000 until live')),
    unit: 's' as const,
    sense: 'at most' as const,
    limit: bounds.secondsAtMost,
  };
  return [publish, ...proxying];
}

function optionsOf({ dir }: Isolated, index: number, name: string): NginxOptions {
  return {
    program: 'nginx',
    dir: path.join(dir, name),
    httpPort: 8_100 + index,
    baseDomain: 'pages.example.org',
    ...nginxModules(),
    user: 'www-data',
    api: null,
    control: 'own',
    clock: systemClock,
    apiUrl: 'http://api.example.org',
    pages: { apiUrl: 'a', docsUrl: 'd', healthUrl: 'h', baseDomain: 'pages.example.org', httpUrl: 'w' },
  };
}

/** @param version  another one has another address for the last hosting: what one create or delete changes */
function routesOf(count: number, firstPort: number, version: number): Route[] {
  return Array.from({ length: count }, (_, index) => ({
    userId: index + 1,
    username: `user-${index + 1}`,
    ip: `10.90.${index >> 8}.${index === count - 1 ? (version % 2) + 1 : index & 255}`,
    sshPort: firstPort + index,
  }));
}

async function startGuest({ dir }: Isolated): Promise<void> {
  const page = 'a page of a guest, some hundred bytes long. '.repeat(10);
  await startNginx(path.join(dir, 'guest'), [
    `server { listen ${guest}:80; keepalive_requests 1000000; location / { return 200 "${page}"; } }`,
  ]);
}

/** @returns its URL */
async function startBare({ dir }: Isolated): Promise<string> {
  await startNginx(path.join(dir, 'bare'), [
    `server { listen 8099; location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://${guest}; } }`,
  ]);
  return 'http://127.0.0.1:8099/';
}

/** The defaults of Nginx, but for what the service sets for all requests as well: no access log, as many connections. */
async function startNginx(dir: string, servers: readonly string[]): Promise<void> {
  mkdirSync(dir, { mode: 0o711 });
  const file = path.join(dir, 'nginx.conf');
  writeFileSync(
    file,
    [
      'user www-data; worker_processes auto; worker_rlimit_nofile 65536;',
      `pid ${dir}/nginx.pid; error_log ${dir}/error.log warn;`,
      'events { worker_connections 4096; }',
      `http { access_log off; ${servers.join('\n')} }`,
      '',
    ].join('\n'),
  );
  await run('nginx', ['-p', dir, '-c', file]).catch((thrown: unknown) => {
    const log = existsSync(`${dir}/error.log`) ? readFileSync(`${dir}/error.log`, 'utf8') : '';
    throw new Error(`Nginx did not start: ${log}`, { cause: thrown });
  });
}
