/** Plays one case: a hosting of a new user, the fault, the way back, and a look at what is left. */
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { pageMarker } from '../../engine/cloud-init';
import type { Account } from '../support/system';
import type { Case } from './cases';
import { eventually } from './eventually';
import type { Facts, Hit, Run } from './facts';
import { firedFault, planFault } from './faults';
import { processesIn, type Running } from './processes';
import type { Stage } from './stage';
import { type Hosting, tracesOf } from './traces';
import { slowDown, startsOf, writesOf } from './witness';

/** Enough for a busy machine: an apply that hangs until the engine ends it, a lease that runs out, a boot, an undo. */
const operationDeadlineMs = 540_000;
/** Lease and reconciler need 35 s; what takes longer is measured, not cut off. */
const pickUpDeadlineMs = 120_000;
const wakeDeadlineMs = 60_000;
const refusalDeadlineMs = 30_000;
/** An apply may be over before its program is hit. */
const tries = 5;

/** One hosting and the operation that is being hit. */
interface Scene {
  readonly stage: Stage;
  readonly it: Case;
  readonly account: Account;
  readonly hosting: Hosting;
  readonly operationId: string;
  readonly signal: AbortSignal;
}

/** Plays until it was really hit. @throws the signal's reason */
export async function play(stage: Stage, it: Case, signal: AbortSignal): Promise<Facts> {
  for (let tried = 1; ; tried++) {
    const facts = await playOnce(stage, it, signal);
    if (facts.hits.length > 0 || facts.problems.length > 0) return facts;
    if (tried === tries) return { ...facts, problems: [`was never hit in ${tries} tries`] };
  }
}

async function playOnce(stage: Stage, it: Case, signal: AbortSignal): Promise<Facts> {
  const started = performance.now();
  const hits: Hit[] = [];
  const problems: string[] = [];
  let scene: Scene | null = null;
  let ended: Facts['ended'] = 'neither';
  try {
    scene = await begin(stage, it, signal);
    await beHit(scene, (hit) => hits.push(hit));
    ended = await outcome(scene);
  } catch (thrown) {
    signal.throwIfAborted();
    problems.push(thrown instanceof Error ? thrown.message : String(thrown));
  }
  const orphans = scene ? await tracesOf(stage, scene.hosting) : [];
  if (ended === 'gone' && orphans.length > 0) ended = 'neither';
  return {
    ...{ it, hits, problems, ended, orphans },
    ...(await testimony(stage, scene)),
    seconds: (performance.now() - started) / 1000,
  };
}

/** Asks for the operation that is to be hit, with its faults planned. */
async function begin(stage: Stage, it: Case, signal: AbortSignal): Promise<Scene> {
  const account = await stage.system.newAccount();
  const scene = { stage, it, account, signal };
  if (it.operation === 'delete-hosting') await endOf({ ...scene, ...(await request(scene, 'POST')) });
  for (const fault of it.faults) planFault(stage.dir, account.userId, fault);
  const accepted = await request(scene, it.operation === 'create-hosting' ? 'POST' : 'DELETE');
  if (it.slow === true) slowDown(stage.dir, accepted.hosting.id);
  return { ...scene, ...accepted };
}

async function request(
  { stage, account }: Pick<Scene, 'stage' | 'account'>,
  method: 'POST' | 'DELETE',
): Promise<Pick<Scene, 'hosting' | 'operationId'>> {
  const { token, userId, username } = account;
  const answer = await stage.system.call(method, method === 'POST' ? '/host' : '/host/my', {
    token,
    headers: { prefer: 'respond-async' },
    ...(method === 'POST' ? { body: {} } : {}),
  });
  if (!answer.body.success) throw new Error(`${method} was refused: ${answer.body.message}`);
  const { hosting, operation } = answer.body.data;
  return {
    hosting: { id: hosting.id, vmName: hosting.vm_id, userId, username },
    operationId: operation.id,
  };
}

async function beHit(scene: Scene, note: (hit: Hit) => void): Promise<void> {
  const { stage, it, account } = scene;
  if (it.victim === 'Terraform killed' || it.victim === 'provider killed') {
    const at = await strike(scene);
    if (at !== null) note({ at, worker: null, woken: null });
    return;
  }
  for (const fault of it.faults.filter(({ act }) => act !== 'fail')) {
    const patience = {
      timeoutMs: operationDeadlineMs,
      what: `${fault.act} at ${fault.step}`,
      signal: scene.signal,
    };
    const fired = await eventually(patience, async () => {
      const ended = await hasEnded(scene);
      return firedFault(stage.dir, account.userId, fault) ?? (ended ? 'never' : null);
    });
    if (fired === 'never') throw new Error(`${fault.step} ${fault.moment} was never reached`);
    const worker = { pid: fired.pid, name: stage.crew.nameOf(fired.pid) ?? '' };
    const woken = fault.act === 'freeze' ? await thaw(scene, fired) : null;
    note({ at: fired.at, worker, woken });
  }
}

/** Kills Terraform, or its provider, alone. @returns when; null when the apply was over sooner */
async function strike(scene: Scene): Promise<number | null> {
  const { stage, it, hosting, signal } = scene;
  const workspace = stage.workspaceOf(hosting.id);
  const patience = { timeoutMs: operationDeadlineMs, what: 'Terraform applies', signal, pollMs: 25 };
  const seen = await eventually(
    patience,
    async () => applying(workspace) ?? ((await hasEnded(scene)) ? 'never' : null),
  );
  if (seen === 'never') return null;
  await delay(it.delayMs);
  const inside = processesIn(workspace);
  const victim =
    it.victim === 'Terraform killed'
      ? inside.find(({ pid, program }) => pid === seen.pid && program === seen.program)
      : inside.find(
          ({ parent, program }) => parent === seen.pid && program.startsWith('terraform-provider-'),
        );
  if (victim === undefined) return null;
  process.kill(victim.pid, 'SIGKILL');
  return Date.now();
}

function applying(workspace: string): Running | null {
  const found = processesIn(workspace).find(
    ({ program, args }) => (program === 'terraform' || program === 'tofu') && args[0] === 'apply',
  );
  return found ?? null;
}

/** Lets a frozen worker go on in the midst of what the next one does, and sees whether it is refused. */
async function thaw(scene: Scene, frozen: { at: number; pid: number }): Promise<NonNullable<Hit['woken']>> {
  const { stage, it, hosting, signal } = scene;
  let at = 0;
  try {
    const claimed = {
      timeoutMs: pickUpDeadlineMs,
      what: 'another worker takes over from the frozen one',
      signal,
    };
    await eventually(claimed, async () => {
      const writes = await writesOf(stage.database, hosting.id);
      return writes.some((write) => write.table === 'leases' && write.at > frozen.at) || null;
    });
    const busy = {
      timeoutMs: wakeDeadlineMs,
      what: 'the next worker applies, or is done',
      signal,
      pollMs: 50,
    };
    const applies = await eventually(
      busy,
      async () => applying(stage.workspaceOf(hosting.id)) ?? ((await hasEnded(scene)) || null),
    );
    if (applies !== true) await delay(it.delayMs);
  } finally {
    at = Date.now();
    stage.crew.wake(frozen.pid);
  }
  const refused = await eventually(
    { timeoutMs: refusalDeadlineMs, what: 'the woken worker is refused', signal },
    () =>
      stage.crew.log.some(
        (line) =>
          line.pid === frozen.pid &&
          line.at >= at &&
          line.text.includes(hosting.id) &&
          /lease/.test(line.text),
      ) || null,
  ).catch(() => {
    signal.throwIfAborted();
    return false;
  });
  return { at, refused };
}

/** Waits for the operation; what is ready then is looked at and deleted. */
async function outcome(scene: Scene): Promise<Facts['ended']> {
  const status = await endOf(scene);
  if (scene.it.operation === 'delete-hosting') return status === 'succeeded' ? 'gone' : 'neither';
  if (status !== 'succeeded') return status === 'failed' ? 'gone' : 'neither';
  const ready = await serves(scene);
  const removal = await endOf({ ...scene, ...(await request(scene, 'DELETE')) });
  if (removal !== 'succeeded') throw new Error(`it was ready, but its removal is ${removal}`);
  return ready ? 'ready' : 'neither';
}

async function statusOf({ stage, operationId }: Pick<Scene, 'stage' | 'operationId'>): Promise<string> {
  const { rows } = await stage.database.query<{ status: string }>(
    'SELECT status FROM operations WHERE id = $1',
    [operationId],
  );
  return rows[0]?.status ?? 'unknown';
}

async function hasEnded(scene: Pick<Scene, 'stage' | 'operationId'>): Promise<boolean> {
  return ['succeeded', 'failed', 'stuck'].includes(await statusOf(scene));
}

async function endOf(scene: Pick<Scene, 'stage' | 'operationId' | 'signal'>): Promise<string> {
  const patience = {
    timeoutMs: operationDeadlineMs,
    what: `operation ${scene.operationId} ends`,
    signal: scene.signal,
  };
  return eventually(patience, async () => ((await hasEnded(scene)) ? statusOf(scene) : null));
}

async function serves({ stage, account, hosting }: Scene): Promise<boolean> {
  const { rows } = await stage.database.query<{ status: string }>(
    'SELECT status FROM hostings WHERE id = $1',
    [hosting.id],
  );
  const page = await pageAt(`${stage.system.web}/${account.userId}`);
  return rows[0]?.status === 'running' && page.includes(pageMarker(hosting.vmName));
}

/** Over a connection of its own: an old one may lead to an Nginx worker of before the last reload. */
function pageAt(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, timeout: 10_000 }, (response) => {
      let page = '';
      response.on('data', (chunk: Buffer) => (page += chunk.toString()));
      response.on('end', () => {
        resolve(page);
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${url} does not answer`)));
    request.on('error', reject);
  });
}

async function testimony(
  stage: Stage,
  scene: Scene | null,
): Promise<Pick<Facts, 'hosting' | 'operationId' | 'starts' | 'writes' | 'runs' | 'mostEmulators'>> {
  if (scene === null)
    return { hosting: null, operationId: null, starts: [], writes: [], runs: [], mostEmulators: 0 };
  const { hosting, operationId } = scene;
  const { rows: runs } = await stage.database.query<Run>(
    `SELECT kind, extract(epoch FROM started_at)::float8 * 1000 AS "startedAt",
       extract(epoch FROM finished_at)::float8 * 1000 AS "finishedAt"
     FROM runs WHERE stack_id = $1 ORDER BY started_at`,
    [hosting.id],
  );
  return {
    hosting,
    operationId,
    starts: startsOf(stage.dir, [hosting.id, hosting.vmName]),
    writes: await writesOf(stage.database, hosting.id),
    runs,
    mostEmulators: stage.emulators.most(hosting.id),
  };
}
