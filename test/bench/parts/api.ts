/**
 * Reads of the API with a hundred clients at once, beside the least that an Express route with `pg` can be on the same
 * PostgreSQL: one statement for what the API reads, no login, no validation, no log.
 *
 * Two loads. Without a pause every client asks again as soon as it was answered: that is throughput, and its latency is
 * by arithmetic a hundred clients divided by the throughput. With a pause each asks five times a second: that is the
 * latency that a client meets while the API is not full.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { until } from '../../worlds/system';
import type { Isolated } from '../namespace';
import { progress } from '../progress';
import { newSamples, type PartResult, ratio, type Series } from '../result';
import { ask, type Client, each, newClient } from '../service/client';
import { readyNode } from '../service/ready-node';
import { startPostgres, startRealApi } from '../service/start';
import { median } from '../statistics';
import { wrk } from '../wrk';
import { loadConfig } from '../../../engine/base/config';

const connections = 100;
const pauseMs = 200;
const bounds = { p99Ms: 20, throughput: 0.6 };

interface Target {
  readonly name: string;
  readonly url: string;
  readonly tokens?: readonly string[];
}

export async function measureApi(given: Isolated): Promise<PartResult> {
  const postgres = await startPostgres(given);
  const url = await postgres.newDatabase();
  const api = await startRealApi(given, { name: 'api', number: 1, url, onPage: () => undefined });
  await readyNode(loadConfig(api.env));
  const clients = await hostingsOf(api.api);
  const bare = await startBare(url, clients);
  const tokens = clients.map(({ token }) => token);
  const pairs = [
    {
      read: 'GET /api/v1/host/my',
      ours: { name: 'ours', url: `${api.api}/api/v1/host/my`, tokens },
      theirs: { name: 'bare', url: `${bare}/host/my` },
    },
    {
      read: 'GET /health',
      ours: { name: 'ours', url: `${api.api}/health` },
      theirs: { name: 'bare', url: `${bare}/health` },
    },
  ];
  const samples = newSamples();
  const load = { connections, seconds: given.quick ? 2 : 8 };
  // what is compiled and connected at the first requests is not what is measured
  for (const { ours, theirs } of pairs)
    for (const target of [ours, theirs]) await wrk(given.dir, { ...target, ...load, seconds: 2 });
  for (let round = 1; round <= given.runs; round++) {
    for (const { read, ours, theirs } of pairs)
      for (const target of [ours, theirs] as Target[]) {
        const full = await wrk(given.dir, { ...load, ...target });
        const paced = await wrk(given.dir, { ...load, ...target, pauseMs });
        samples.add(`${read} ${target.name} throughput`, full.requestsPerSecond);
        samples.add(`${read} ${target.name} full p99`, full.p99Ms);
        samples.add(`${read} ${target.name} p50`, paced.p50Ms);
        samples.add(`${read} ${target.name} p99`, paced.p99Ms);
        progress(
          `${round}/${given.runs} ${read} ${target.name}: ${full.requestsPerSecond.toFixed(0)}/s, p99 ${paced.p99Ms.toFixed(1)} ms paced, ${full.p99Ms.toFixed(1)} ms full`,
        );
      }
  }
  return resultOf(
    pairs.map(({ read }) => read),
    samples,
    api.residentMiB(),
  );
}

function resultOf(
  reads: readonly string[],
  samples: ReturnType<typeof newSamples>,
  residentMiB: number,
): PartResult {
  const rows = (group: string, unit: Series['unit'], key: string, role?: 'detail'): Series[] =>
    reads.flatMap((read) => [
      {
        group,
        unit,
        name: read,
        samples: samples.of(`${read} ours ${key}`),
        role: role ?? ('ours' as const),
      },
      {
        group,
        unit,
        name: `bare Express and pg, ${read.replace('/api/v1', '')}`,
        samples: samples.of(`${read} bare ${key}`),
        role: role ?? ('compared' as const),
      },
    ]);
  return {
    part: 'api',
    title: `The API's reads with ${connections} clients`,
    series: [
      ...rows('throughput, without a pause', 'requests/s', 'throughput'),
      ...rows('p99, each client five times a second', 'ms', 'p99'),
      ...rows('p50, each client five times a second', 'ms', 'p50', 'detail'),
      ...rows('p99, without a pause', 'ms', 'full p99'),
      { group: 'memory', unit: 'MiB', name: 'API after all of it', samples: [residentMiB], role: 'detail' },
    ],
    bounds: reads.flatMap((read) => [
      {
        name: `throughput of ${read}, as a part of the bare route's`,
        value: ratio(samples.of(`${read} ours throughput`), samples.of(`${read} bare throughput`)),
        unit: '' as const,
        sense: 'at least' as const,
        limit: bounds.throughput,
      },
      ...(['p99', 'full p99'] as const).map((key) => ({
        name: `p99 of ${read}, ${key === 'p99' ? 'five requests a second each' : 'without a pause'}`,
        value: median(samples.of(`${read} ours ${key}`)),
        unit: 'ms' as const,
        sense: 'at most' as const,
        limit: bounds.p99Ms,
      })),
    ]),
    notes: [
      'API as it is released, in a process without a worker; wrk, PostgreSQL and both servers share the machine',
      `without a pause the mean latency is ${connections} clients divided by the throughput, of whatever server`,
    ],
  };
}

/** A hosting for each client, as its owner's read finds it: no worker is there to make the VM. */
async function hostingsOf(api: string): Promise<Client[]> {
  return each(connections, 8, async () => {
    const client = await newClient(api);
    const headers = { prefer: 'respond-async' };
    const { status, body } = await ask(api, 'POST', '/host', { token: client.token, body: {}, headers });
    if (status !== 202) throw new Error(`no hosting to read: ${body.message}`);
    return client;
  });
}

async function startBare(database: string, clients: readonly Client[]): Promise<string> {
  const port = 8099;
  const users = clients.map(({ userId }) => userId);
  spawn(process.execPath, [path.join(__dirname, '../bare/express.js')], {
    env: { PATH: process.env.PATH, DATABASE: database, PORT: String(port), USERS: JSON.stringify(users) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await until(
    20_000,
    'the bare server answers',
    async () => (await fetch(`${url}/health`).catch(() => null))?.ok === true,
  );
  return url;
}
