/**
 * The same thing over and over on a real system: creates and deletes in a row, and plans that read a whole stack back,
 * ten resources at a time as Terraform does by itself. What happens once in a hundred times shows here.
 */
import path from 'node:path';
import type { Account, System } from '../../worlds/system';
import { startSystem } from '../../worlds/system';
import { terraformByHand } from '../../support/terraform-by-hand';
import type { Options } from '../options';
import { progress, seconds } from '../progress';
import { newSamples, type PartResult, type Samples } from '../result';
import { median, quantile } from '../statistics';

const times = { creates: 100, plans: 500 };
const quickTimes = { creates: 4, plans: 10 };
/** p99 of creates and of deletes, as times their median. */
const mostTimesTheMedian = 2;

export async function measureEndurance({ quick }: Options): Promise<PartResult> {
  const { creates, plans } = quick ? quickTimes : times;
  const system = await startSystem('micro');
  const samples = newSamples();
  try {
    const account = await system.newAccount();
    for (let round = 1; round <= creates; round++) {
      await createAndDelete(system, account, samples);
      if (round % 10 === 0) progress(`${round}/${creates} made and removed`);
    }
    await plansOfOne(system, account, { plans, samples });
    return resultOf(samples);
  } finally {
    await system.close();
  }
}

async function createAndDelete(system: System, { token }: Account, samples: Samples): Promise<void> {
  const counted = async (what: string, method: string, urlPath: string, wanted: number): Promise<void> => {
    let status = 0;
    const took = await seconds(async () => ({ status } = await system.call(method, urlPath, { token })));
    samples.add(status === wanted ? what : `${what} failed`, took);
  };
  await counted('create', 'POST', '/host', 201);
  await counted('delete', 'DELETE', '/host/my', 200);
}

async function plansOfOne(
  system: System,
  { token }: Account,
  { plans, samples }: { plans: number; samples: Samples },
): Promise<void> {
  const made = await system.call('POST', '/host', { token });
  const workspace = path.join(system.env.DATA_DIR ?? '', 'workspaces', made.body.data.hosting.id);
  const args = ['plan', '-input=false', '-no-color', '-detailed-exitcode', '-lock=false'];
  for (let round = 1; round <= plans; round++) {
    let code: number | null = null;
    const took = await seconds(async () => ({ code } = await terraformByHand(system, workspace, ...args)));
    const outcomes: Readonly<Record<string, string>> = { 0: 'plan', null: 'plan hung' };
    samples.add(outcomes[String(code)] ?? 'plan failed', took);
    if (round % 50 === 0) progress(`${round}/${plans} plans`);
  }
  await system.call('DELETE', '/host/my', { token });
}

function resultOf(samples: Samples): PartResult {
  const ratio = (name: string): number => quantile(samples.of(name), 0.99) / median(samples.of(name));
  const none = (name: string) => ({
    ...({ name, value: samples.of(name).length, unit: '', sense: 'at most', limit: 0 } as const),
  });
  const steady = (name: string) => ({
    ...({ name: `${name}, 99th over median`, value: ratio(name), unit: 'times' } as const),
    ...({ sense: 'at most', limit: mostTimesTheMedian } as const),
  });
  return {
    part: 'endurance',
    title: 'The same over and over, micro guest',
    series: samples
      .names()
      .map((name) => ({ group: name, name, unit: 's', samples: samples.of(name), role: 'ours' }) as const),
    bounds: [
      ...['create', 'delete'].map(steady),
      ...['create failed', 'delete failed', 'plan failed', 'plan hung'].map(none),
    ],
    notes: ['A plan that has not ended after 90 s is counted as hung.'],
  };
}
