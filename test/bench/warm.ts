/**
 * Request to first page with a spare waiting, beside the same without one, in the same run.
 *
 *     npm run bench:warm -- [--runs 15] [--cold 4] [--images micro,debian-13] [--json FILE]
 *
 * Half of the cold ones come before the warm ones and half behind them, without a pool that boots beside them. A warm one
 * begins when the pool is full and nothing boots. Ends with 1 when a bound is missed.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Account, type HostAnswer, startSystem, type System, until } from '../support/system';

type Image = 'micro' | 'debian-13';
interface Sample {
  readonly seconds: number;
  /** Step of the operation -> seconds. */
  readonly steps: Readonly<Record<string, number>>;
}
interface Result {
  readonly image: Image;
  readonly warm: readonly Sample[];
  readonly cold: readonly Sample[];
  readonly median: number;
  readonly p95: number;
  readonly ratio: number;
}

const bounds = { median: 1, p95: 2, ratio: 20 };
const fillDeadlineMs = 600_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '15' },
      cold: { type: 'string', default: '4' },
      images: { type: 'string', default: 'micro,debian-13' },
      json: { type: 'string' },
    },
  });
  const results: Result[] = [];
  for (const image of values.images.split(',') as Image[])
    results.push(await measure(image, Number(values.runs), Number(values.cold)));
  for (const result of results) print(result);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  if (results.some((result) => missed(result).length > 0)) process.exitCode = 1;
}

async function measure(image: Image, runs: number, coldRuns: number): Promise<Result> {
  const system = await startSystem(image);
  const [warm, cold]: [Sample[], Sample[]] = [[], []];
  try {
    const account = await system.newAccount();
    for (let round = 0; round < Math.ceil(coldRuns / 2); round++)
      cold.push(await create(system, account, 'create-hosting'));
    await system.restart({ WARM_POOL_SIZE: '1', WARM_POOL_MIN_FREE_MIB: '0' });
    for (let round = 0; round < runs; round++) {
      await until(fillDeadlineMs, 'a spare waits', () => isFull(system));
      warm.push(await create(system, account, 'claim-spare'));
    }
    await system.restart({ WARM_POOL_SIZE: '0' });
    await until(fillDeadlineMs, 'the pool is empty', async () => (await open(system)) === 0);
    for (let round = 0; round < Math.floor(coldRuns / 2); round++)
      cold.push(await create(system, account, 'create-hosting'));
  } finally {
    await system.close();
  }
  const of = (samples: readonly Sample[]): number[] => samples.map(({ seconds }) => seconds);
  const median = quantile(of(warm), 0.5);
  const ratio = quantile(of(cold), 0.5) / median;
  return { image, warm, cold, median, p95: quantile(of(warm), 0.95), ratio };
}

/** One create, from the request to the user's own page; it is deleted again. */
async function create(system: System, account: Account, expected: string): Promise<Sample> {
  const begun = performance.now();
  const { body, status } = await system.call('POST', '/host', { token: account.token, body: {} });
  const page = await (await fetch(`${system.web}/${account.userId}`)).text();
  const seconds = (performance.now() - begun) / 1000;
  if (status !== 201 || !page.includes(`Hello, ${account.username}`)) throw new Error(body.message);
  const { operation } = body.data as HostAnswer & { operation: { kind: string } };
  if (operation.kind !== expected) throw new Error(`${operation.kind} instead of ${expected}`);
  const steps = operation.steps.flatMap(({ name, started_at: from, finished_at: to }) =>
    from === null || to === null ? [] : [[name, (Date.parse(to) - Date.parse(from)) / 1000] as const],
  );
  console.error(
    `${expected}: ${seconds.toFixed(2)} s ${steps.map(([name, s]) => `${name} ${s.toFixed(2)}`).join(', ')}`,
  );
  await system.call('DELETE', '/host/my', { token: account.token });
  return { seconds, steps: Object.fromEntries(steps) };
}

async function isFull(system: System): Promise<boolean> {
  const [row] = await system.query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM hostings WHERE status = 'spare'`,
  );
  return row?.waiting === 1 && (await open(system)) === 1;
}

async function open(system: System): Promise<number> {
  const [row] = await system.query<{ open: number }>(
    `SELECT count(*)::int AS open FROM hostings WHERE status NOT IN ('deleted', 'failed')`,
  );
  return row?.open ?? 0;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [below = NaN, above = below] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
}

function missed({ median, p95, ratio }: Result): string[] {
  return [
    ...(median > bounds.median ? [`median ${median.toFixed(2)} s`] : []),
    ...(p95 > bounds.p95 ? [`p95 ${p95.toFixed(2)} s`] : []),
    ...(ratio < bounds.ratio ? [`ratio ${ratio.toFixed(1)}`] : []),
  ];
}

function print(result: Result): void {
  const row = (name: string, values: readonly number[]): string =>
    `  ${name.padEnd(24)}${[0, 0.5, 0.95, 1].map((part) => quantile(values, part).toFixed(2).padStart(9)).join('')}`;
  const { image, warm, cold } = result;
  console.log(`\n${image}, ${warm.length} warm, ${cold.length} cold, seconds`);
  console.log(`  ${''.padEnd(24)}      min   median      p95      max`);
  console.log(
    row(
      'warm',
      warm.map(({ seconds }) => seconds),
    ),
  );
  for (const name of Object.keys(warm[0]?.steps ?? {}))
    console.log(
      row(
        `  ${name}`,
        warm.map(({ steps }) => steps[name] ?? 0),
      ),
    );
  console.log(
    row(
      'cold',
      cold.map(({ seconds }) => seconds),
    ),
  );
  console.log(
    `  ${result.ratio.toFixed(1)} times as fast (at least ${bounds.ratio}); median at most ${bounds.median} s, p95 at most ${bounds.p95} s`,
  );
  const short = missed(result);
  console.log(short.length === 0 ? '  met' : `  MISSED: ${short.join(', ')}`);
}

void main();
