/**
 * What a create costs when there are ten, a hundred and a thousand hostings already, and what memory the engine has
 * then. Three services side by side, filled to one less each, take turns with one create and one delete.
 */
import type { Isolated } from '../namespace';
import { progress, seconds } from '../progress';
import { newSamples, type PartResult, ratio, type Samples } from '../result';
import { ask, type Client, each, newClient } from '../service/client';
import { servePages } from '../service/pages';
import { type BenchService, startBenchService, startPostgres } from '../service/start';
import { ordinal, shown } from '../statistics';

const sizes = [10, 100, 1_000] as const;
const bounds = { cost: 1.2, memoryMiB: 250 };
/** So that filling takes minutes and not an hour; the service's default is four. */
const concurrency = 16;

interface Level {
  readonly size: number;
  readonly service: BenchService;
  readonly client: Client;
}

export async function measureScale(given: Isolated): Promise<PartResult> {
  const wanted = given.quick ? sizes.slice(0, 2) : sizes;
  const samples = newSamples();
  const levels = await openLevels(given, wanted);
  for (const { size, service } of levels) {
    const took = await seconds(() => fill(service, size - 1));
    progress(`${shown(size - 1)} hostings made in ${shown(took)} s`);
  }
  // once before it counts: code is compiled and connections are open then
  for (let round = 0; round <= given.runs; round++)
    for (const level of levels)
      await measureOne(level, round === 0 ? newSamples() : samples, `${round}/${given.runs}`);
  return resultOf(wanted, samples);
}

async function openLevels(given: Isolated, wanted: readonly number[]): Promise<Level[]> {
  const pages = await servePages();
  const postgres = await startPostgres(given);
  const levels: Level[] = [];
  for (const [index, size] of wanted.entries()) {
    const service = await startBenchService(given, {
      name: `with-${size}`,
      number: index + 1,
      url: await postgres.newDatabase(),
      settings: { WORKER_CONCURRENCY: String(concurrency) },
      onPage: (ip, page) => {
        pages.put(ip, page);
      },
    });
    levels.push({ size, service, client: await newClient(service.api) });
  }
  return levels;
}

async function fill({ api }: BenchService, count: number): Promise<void> {
  let made = 0;
  await each(count, 2 * concurrency, async () => {
    const { token } = await newClient(api);
    const { status, body } = await ask(api, 'POST', '/host', { token, body: {} });
    if (status !== 201) throw new Error(`a hosting was not made: ${body.message}`);
    if (++made % 100 === 0) progress(`${made} of ${count}`);
  });
}

async function measureOne({ size, service, client }: Level, samples: Samples, round: string): Promise<void> {
  const { token, userId } = client;
  const create = await seconds(async () => {
    const { status, body } = await ask(service.api, 'POST', '/host', { token, body: {} });
    if (status !== 201) throw new Error(`a hosting was not made: ${body.message}`);
    await (await fetch(`${service.web}/${userId}`)).text();
  });
  samples.add(`${size} memory`, service.residentMiB());
  const remove = await seconds(async () => {
    const { status, body } = await ask(service.api, 'DELETE', '/host/my', { token });
    if (status !== 200) throw new Error(`a hosting was not removed: ${body.message}`);
  });
  samples.add(`${size} create`, create);
  samples.add(`${size} delete`, remove);
  progress(`${round} the ${ordinal(size)}: create ${shown(create)} s, delete ${shown(remove)} s`);
}

function resultOf(wanted: readonly number[], samples: Samples): PartResult {
  const [first = 0, last = 0] = [wanted[0], wanted.at(-1)];
  const series = (group: string, unit: 's' | 'MiB', key: string) =>
    wanted.map((size) => ({
      ...{ group, unit, name: `the ${ordinal(size)} hosting`, role: 'ours' as const },
      samples: samples.of(`${size} ${key}`),
    }));
  return {
    part: 'scale',
    title: 'A create by the number of hostings',
    series: [
      ...series('create, without a VM', 's', 'create'),
      ...series('delete, without a VM', 's', 'delete'),
      ...series('memory of API and worker', 'MiB', 'memory'),
    ],
    bounds: [
      {
        name: `a create with ${shown(last)} hostings, as a multiple of one with ${shown(first)}`,
        value: ratio(samples.of(`${last} create`), samples.of(`${first} create`)),
        unit: '',
        sense: 'at most',
        limit: bounds.cost,
      },
      {
        name: `memory of API and worker with ${shown(last)} hostings`,
        value: Math.max(...samples.of(`${last} memory`)),
        unit: 'MiB',
        sense: 'at most',
        limit: bounds.memoryMiB,
      },
    ],
    notes: [
      'hostings are defined and do not run: Terraform, its synthesizer, libvirt and the guests are fakes that take no time; API, queue, worker, PostgreSQL and Nginx are real, and every hosting was made through the API',
      `a real create has seconds of Terraform and of the guest's boot on top, which do not grow with the number of hostings; WORKER_CONCURRENCY is ${concurrency}`,
      'the memory has that of the fakes in it',
      ...(wanted.length < sizes.length ? [`--quick stops at ${shown(last)}`] : []),
    ],
  };
}
