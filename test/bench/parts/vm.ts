/**
 * Real VMs: from the request to the user's own page through Nginx, cold and from the warm pool, and from the request to
 * nothing being left; beside the same image started by hand in several ways. All take turns, so that the machine's mood
 * hits all of them.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import {
  type Account,
  type Answer,
  type HostAnswer,
  startSystem,
  type System,
  until,
} from '../../worlds/system';
import { bareTerraform } from '../bare/terraform';
import { type Bench, measureTool, servesPage, type Source, type Tool } from '../bare/tool';
import { vagrant } from '../bare/vagrant';
import { bareVirsh, stockDebian } from '../bare/virsh';
import { virtInstall } from '../bare/virt-install';
import type { BenchImage, Options } from '../options';
import { progress, seconds } from '../progress';
import { type Bound, newSamples, type PartResult, ratio, type Samples, type Series } from '../result';
import { median, quantile, shown } from '../statistics';

const bounds = {
  virsh: { micro: 1.3, 'debian-13': 1.1 } satisfies Record<BenchImage, number>,
  stock: 0.45,
  removal: 1.5,
  warm: { median: 1, p95: 2, timesAsFast: 20 },
  idleMiB: 200,
};
const fillDeadlineMs = 600_000;

export async function measureVm(image: BenchImage, { runs, quick }: Options): Promise<PartResult> {
  const system = await startSystem(image);
  const dir = mkdtempSync('/var/lib/webhoster-test-bench-');
  chmodSync(dir, 0o711);
  const [tools, notes] = toolsThereAre({ system, dir }, image);
  const samples = newSamples();
  try {
    samples.add('idle memory', await idleMemory(system));
    const account = await system.newAccount();
    for (let round = 1; round <= runs; round++) {
      const source = await coldCreate(system, account, samples);
      // what is done once: an image taken in, a box added
      if (round === 1) for (const tool of tools) await tool.prepare?.();
      for (const tool of tools) await measureSide(tool, source, { samples, notes });
      await system.restart({ WARM_POOL_SIZE: '1', WARM_POOL_MIN_FREE_MIB: '0' });
      for (let warm = 0; warm < (quick ? 1 : 3); warm++) await warmCreate(system, account, 'warm', samples);
      await system.restart({ WARM_POOL_SAVED: '1', WARM_POOL_MIN_FREE_MIB: '0' });
      await warmCreate(system, account, 'saved', samples);
      await system.restart();
      await until(fillDeadlineMs, 'the pool is empty', async () => (await openHostings(system)) === 0);
      progress(`${image} ${round}/${runs} done`);
    }
    return resultOf(image, samples, notes);
  } finally {
    for (const tool of tools) await tool.close?.();
    await system.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One that fails is cleared away and named; the others, and the next round, are measured all the same. */
async function measureSide(
  tool: Tool,
  source: Source,
  { samples, notes }: { samples: Samples; notes: string[] },
): Promise<void> {
  const measured = await measureTool(tool, source).catch((thrown: unknown) => String(thrown));
  if (typeof measured === 'string') {
    progress(`${tool.name} failed: ${measured}`);
    notes.push(`${tool.name} failed in one round, which has no figure of it`);
    await tool.remove().catch(() => undefined);
    return;
  }
  const { create, remove } = measured;
  samples.add(tool.name, create);
  samples.add(`${tool.name} removed`, remove);
  progress(`${tool.name}: page after ${shown(create)} s, gone after ${shown(remove)} s`);
}

/** Tools that are not installed are named, and not measured. */
function toolsThereAre(bench: Bench, image: BenchImage): [Tool[], string[]] {
  const wanted: [program: string, tool: Tool][] = [
    ['virsh', bareVirsh(bench)],
    ...(image === 'debian-13' ? [['mmdebstrap', stockDebian(bench)] as [string, Tool]] : []),
    [bench.system.env.TERRAFORM_BIN ?? 'terraform', bareTerraform(bench)],
    ['virt-install', virtInstall(bench)],
    ['vagrant', vagrant(bench)],
  ];
  const isThere = (program: string): boolean => {
    try {
      execFileSync('which', [program]);
      return true;
    } catch {
      return false;
    }
  };
  const there = wanted.filter(([program]) => isThere(program));
  const absent = wanted.filter((each) => !there.includes(each));
  return [
    there.map(([, tool]) => tool),
    absent.map(([program]) => `${program} is not installed: not measured`),
  ];
}

async function coldCreate(system: System, account: Account, samples: Samples): Promise<Source> {
  const { hosting } = await create(system, account, { key: 'cold', kind: 'create-hosting' }, samples);
  const stack = path.join(system.env.DATA_DIR ?? '', 'workspaces', hosting.id, 'cdk.tf.json');
  const source: Source = {
    id: hosting.id,
    vmName: hosting.vm_id,
    ip: hosting.vm_ip,
    xml: await system.virsh('dumpxml', '--inactive', hosting.vm_id),
    stack: readFileSync(stack, 'utf8'),
  };
  await wake(system, account, hosting.vm_id, samples);
  await remove(system, account, hosting, samples);
  return source;
}

/** From the first request of who is no browser, which is kept until the VM is awake. */
async function wake(system: System, { userId, username }: Account, vm: string, samples: Samples) {
  const slept = await seconds(async () => {
    const { code, stdout } = await system.tryWebhoster(['sleep', vm, '--force']);
    if (code !== 0) throw new Error(`${vm} does not sleep: ${stdout}`);
  });
  const woken = await seconds(() => servesPage(`${system.web}/${userId}`, `Hello, ${username}`));
  samples.add('sleep', slept);
  samples.add('wake', woken);
  progress(`asleep after ${shown(slept)} s, awake after ${shown(woken)} s`);
}

/** From a machine that waits, with nothing booting beside it. */
async function warmCreate(
  system: System,
  account: Account,
  key: 'warm' | 'saved',
  samples: Samples,
): Promise<void> {
  await until(fillDeadlineMs, 'a spare waits', () => isFull(system, key === 'warm' ? 'spare' : 'saved'));
  const { hosting } = await create(system, account, { key, kind: 'claim-spare' }, samples);
  await system.call('DELETE', '/host/my', { token: account.token });
  progress(`${hosting.vm_id} removed`);
}

async function create(
  system: System,
  account: Account,
  { key, kind }: { key: 'cold' | 'warm' | 'saved'; kind: string },
  samples: Samples,
): Promise<HostAnswer> {
  const requestedAt = Date.now();
  let asked: Promise<Answer<HostAnswer>> | undefined;
  const took = await seconds(async () => {
    asked = system.call('POST', '/host', { token: account.token, body: {}, headers: { prefer: 'wait=300' } });
    await servesPage(`${system.web}/${account.userId}`, `Hello, ${account.username}`);
  });
  const answer = await asked;
  if (answer === undefined || !answer.body.success) throw new Error(answer?.body.message);
  const { operation } = answer.body.data;
  if (operation.kind !== kind) throw new Error(`${operation.kind} instead of ${kind}`);
  samples.add(key, took);
  const begun = operation.steps.find((step) => step.started_at !== null)?.started_at ?? '';
  samples.add(`${key}: accept`, (Date.parse(begun) - requestedAt) / 1000);
  for (const { name, started_at: from, finished_at: to } of operation.steps)
    if (from !== null && to !== null)
      samples.add(`${key}: ${name}`, (Date.parse(to) - Date.parse(from)) / 1000);
  progress(`${key} create: ${shown(took)} s`);
  return answer.body.data;
}

/** The answer comes when everything is gone, and that it is gone is looked at. */
async function remove(
  system: System,
  { token, userId }: Account,
  { id, vm_id: domain }: HostAnswer['hosting'],
  samples: Samples,
): Promise<void> {
  samples.add(
    'delete',
    await seconds(async () => {
      const { body } = await system.call('DELETE', '/host/my', { token });
      if (!body.success) throw new Error(body.message);
    }),
  );
  const [domains, volumes, page] = await Promise.all([
    system.virsh('list', '--all', '--name'),
    system.virsh('vol-list', system.env.POOL_NAME ?? ''),
    fetch(`${system.web}/${userId}`),
  ]);
  if (domains.includes(domain) || volumes.includes(id) || page.status !== 404)
    throw new Error(`${domain} was removed, and something of it is left`);
}

async function isFull(system: System, status: 'spare' | 'saved'): Promise<boolean> {
  const [row] = await system.query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM hostings WHERE status = '${status}'`,
  );
  return row?.waiting === 1 && (await openHostings(system)) === 1;
}

async function openHostings(system: System): Promise<number> {
  const [row] = await system.query<{ open: number }>(
    `SELECT count(*)::int AS open FROM hostings WHERE status NOT IN ('deleted', 'failed')`,
  );
  return row?.open ?? 0;
}

async function idleMemory(system: System): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const kib = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${system.pid()}/status`, 'utf8'))?.[1]);
  return kib / 1024;
}

function resultOf(image: BenchImage, samples: Samples, notes: readonly string[]): PartResult {
  const row = (group: string, role: Series['role'], name: string, key = name): Series => ({
    ...{ group, role, name, unit: 's' as const },
    samples: samples.of(key),
  });
  const tools = samples.names().filter((name) => samples.names().includes(`${name} removed`));
  const steps = (key: string): Series[] =>
    samples
      .names()
      .filter((name) => name.startsWith(`${key}: `))
      .map((name) => row(`steps of a ${key} create`, 'detail', name.slice(key.length + 2), name));
  return {
    part: `vm-${image}`,
    title: `One VM of ${image}, from nothing to its page and back`,
    series: [
      row('from the request to the page', 'ours', 'warm create', 'warm'),
      row('from the request to the page', 'ours', 'warm create, from a saved spare', 'saved'),
      row('from the request to the page', 'ours', 'wake', 'wake'),
      row('from the request to the page', 'ours', 'cold create', 'cold'),
      ...tools.map((name) => row('from the request to the page', 'compared', name)),
      row('until nothing is left', 'ours', 'delete'),
      ...tools.map((name) => row('until nothing is left', 'compared', name, `${name} removed`)),
      ...steps('cold'),
      ...steps('warm'),
      ...steps('saved'),
      { ...row('memory', 'detail', 'API and worker, idle', 'idle memory'), unit: 'MiB' },
    ],
    bounds: boundsOf(image, samples),
    notes: [
      'ours goes through the API, Terraform, Nginx and PostgreSQL; the page of the others is read from the VM itself',
      'a cold create, and bare Terraform, come with an init of the directory; a Vagrant box was added before',
      ...notes,
    ],
  };
}

function boundsOf(image: BenchImage, samples: Samples): Bound[] {
  const [cold, warm, virsh] = [samples.of('cold'), samples.of('warm'), samples.of('bare virsh')];
  const of = (
    name: string,
    value: number,
    unit: Bound['unit'],
    sense: Bound['sense'],
    limit: number,
  ): Bound => ({
    ...{ name, value, unit, sense, limit },
  });
  return [
    of('cold create, as a multiple of bare virsh', ratio(cold, virsh), '', 'at most', bounds.virsh[image]),
    of(
      'delete, as a multiple of bare terraform destroy',
      ratio(samples.of('delete'), samples.of('bare Terraform removed')),
      '',
      'at most',
      bounds.removal,
    ),
    ...(image === 'micro'
      ? []
      : [
          of(
            'power-on to page, as a multiple of stock Debian',
            ratio(virsh, samples.of('stock Debian 13')),
            '',
            'at most',
            bounds.stock,
          ),
        ]),
    of('warm create, median', median(warm), 's', 'at most', bounds.warm.median),
    of('warm create, p95', quantile(warm, 0.95), 's', 'at most', bounds.warm.p95),
    of('warm, times as fast as cold', ratio(cold, warm), 'times', 'at least', bounds.warm.timesAsFast),
    of('idle memory of API and worker', median(samples.of('idle memory')), 'MiB', 'at most', bounds.idleMiB),
  ];
}
