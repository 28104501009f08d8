/**
 * A hundred creates at the same moment, with ten machines waiting: how soon all are accepted, whether each one ends in
 * a hosting that serves, and how many VMs boot at once meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { pageHolds } from '../bare/tool';
import type { Isolated } from '../namespace';
import { progress, seconds } from '../progress';
import { newSamples, type PartResult, type Samples } from '../result';
import { type Answered, ask, type Client, type CreatedHosting, each, newClient } from '../service/client';
import { servePages } from '../service/pages';
import { type BenchService, startBenchService, startPostgres } from '../service/start';
import { median } from '../statistics';
import { queryRows } from '../service/rows';

const creates = 100;
const pool = 10;
/** The service's default. */
const boots = 4;
/** Of a fake VM: long enough that boots meet, short enough for a bench. */
const bootMs = 300;
const acceptedWithinSeconds = 1;

export async function measureBurst(given: Isolated): Promise<PartResult> {
  const samples = newSamples();
  const [pages, postgres] = [await servePages(), await startPostgres(given)];
  const url = await postgres.newDatabase();
  const service = await startBenchService(given, {
    name: 'burst',
    number: 1,
    url,
    bootMs,
    settings: { WARM_POOL_SIZE: String(pool), WARM_POOL_BOOTS: '4', WORKER_CONCURRENCY: String(boots) },
    onPage: (ip, page) => {
      pages.put(ip, page);
    },
  });
  const clients = await each(creates, 8, () => newClient(service.api));
  for (let round = 1; round <= given.runs; round++) {
    await poolIsFull(url);
    progress(`${round}/${given.runs} ${pool} machines wait`);
    await burst(service, clients, samples);
    progress(
      `${round}/${given.runs} accepted in ${(samples.of('accepted').at(-1) ?? NaN).toFixed(2)} s, all serve after ${(samples.of('served').at(-1) ?? NaN).toFixed(1)} s`,
    );
    if (round < given.runs) await each(creates, 16, (index) => removal(service, clients[index]));
  }
  return resultOf(samples, await service.mostBooting());
}

async function burst(
  { api, web }: BenchService,
  clients: readonly Client[],
  samples: Samples,
): Promise<void> {
  const begun = performance.now();
  const elapsed = (): number => (performance.now() - begun) / 1000;
  const answers = await Promise.all(
    clients.map(({ token }) =>
      ask(api, 'POST', '/host', { token, body: {}, headers: { prefer: 'respond-async' } }),
    ),
  );
  samples.add('accepted', elapsed());
  const accepted = answers.filter(({ status }) => status === 202);
  samples.add('warm', accepted.filter(({ body }) => body.data.operation.kind === 'claim-spare').length);
  const firstPage = ended(api, clients, answers, 'claim-spare').then(() =>
    samples.add('warm served', elapsed()),
  );
  await ended(api, clients, answers, 'create-hosting');
  samples.add('served', elapsed());
  await firstPage;
  const serving = await each(creates, 16, (index) => serves(web, clients[index], api));
  samples.add('lost', creates - serving.filter(Boolean).length);
}

/** Waits until every operation of this kind has ended, well or not. */
async function ended(
  api: string,
  clients: readonly Client[],
  answers: readonly Answered<CreatedHosting>[],
  kind: string,
): Promise<void> {
  for (const [index, { body }] of answers.entries()) {
    if (!body.success || body.data.operation.kind !== kind) continue;
    for (;;) {
      const seen = await ask<{ operation: { status: string } }>(
        api,
        'GET',
        `/operations/${body.data.operation.id}`,
        {
          token: clients[index]?.token,
        },
      );
      if (['succeeded', 'failed', 'stuck'].includes(seen.body.data.operation.status)) break;
      await delay(50);
    }
  }
}

async function serves(web: string, client: Client | undefined, api: string): Promise<boolean> {
  const mine = await ask(api, 'GET', '/host/my', { token: client?.token });
  const served = await pageHolds(`${web}/${client?.userId ?? 0}`, 'vm-webhoster');
  return mine.body.data.hosting.status === 'running' && served;
}

async function removal({ api }: BenchService, client: Client | undefined): Promise<void> {
  const { status, body } = await ask(api, 'DELETE', '/host/my', { token: client?.token });
  if (status !== 200) throw new Error(`a hosting was not removed: ${body.message}`);
}

async function poolIsFull(url: string): Promise<void> {
  const took = await seconds(async () => {
    for (;;) {
      const [row] = await queryRows<{ waiting: number }>(
        url,
        `SELECT count(*)::int AS waiting FROM hostings WHERE status = 'spare'`,
      );
      if (row?.waiting === pool) return;
      await delay(100);
    }
  });
  progress(`the pool filled in ${took.toFixed(1)} s`);
}

function resultOf(samples: Samples, mostBooting: number): PartResult {
  const series = (name: string, key: string) => ({
    ...{ group: `${creates} creates at once`, unit: 's' as const, name, role: 'ours' as const },
    samples: samples.of(key),
  });
  const counted = (name: string, values: readonly number[]) => ({
    ...{ group: 'counts', unit: '' as const, name, samples: values, role: 'detail' as const },
  });
  return {
    part: 'burst',
    title: `${creates} creates at once, ${pool} machines waiting`,
    series: [
      series('all accepted', 'accepted'),
      series('those with a machine serve', 'warm served'),
      series('all serve', 'served'),
      counted('given a waiting machine', samples.of('warm')),
      counted('lost', samples.of('lost')),
      counted('most VMs that booted at once', [mostBooting]),
    ],
    bounds: [
      {
        name: 'all accepted',
        value: median(samples.of('accepted')),
        unit: 's',
        sense: 'at most',
        limit: acceptedWithinSeconds,
      },
      {
        name: 'creates lost, of all rounds',
        value: Math.max(...samples.of('lost')),
        unit: '',
        sense: 'at most',
        limit: 0,
      },
      {
        name: 'creates that were given a waiting machine',
        value: Math.min(...samples.of('warm')),
        unit: '',
        sense: 'at least',
        limit: pool,
      },
      { name: 'VMs that booted at once', value: mostBooting, unit: '', sense: 'at most', limit: boots },
    ],
    notes: [
      `Terraform, its synthesizer, libvirt and the guests are fakes, a VM serves ${bootMs} ms after it is on; API, queue, worker, PostgreSQL and Nginx are real`,
      `WORKER_CONCURRENCY is ${boots}, its default: so many VMs may boot at once, those of the pool included`,
    ],
  };
}
