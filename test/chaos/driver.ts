/** Plays one case: a hosting of a new user, the fault, the way back, and a look at what is left. */
import http from 'node:http';
import { pageMarker } from '../../engine/machine/guest/cloud-init';
import type { Case } from './cases';
import type { Facts, Hit, Run } from './facts';
import { planFault } from './faults';
import { beHit } from './hits';
import { endOf, request, type Scene } from './scene';
import type { Stage } from './stage';
import { tracesOf } from './traces';
import { slowDown, startsOf, writesOf } from './witness';

/** An apply may be over before its program is hit. */
const tries = 10;

/** Plays until it was really hit. @throws the signal's reason */
export async function play(stage: Stage, it: Case, signal: AbortSignal): Promise<Facts> {
  for (let tried = 1; ; tried++) {
    const facts = await playOnce(stage, it, signal);
    const { hits, problems, orphans, ended } = facts;
    if (hits.length > 0 || problems.length > 0 || orphans.length > 0 || ended === 'neither') return facts;
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
