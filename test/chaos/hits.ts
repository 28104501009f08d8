/** The blows: waits until a worker has hit itself as planned, or hits one of its programs from outside. */
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from './eventually';
import type { Hit } from './facts';
import { type Fired, firedFault } from './faults';
import { processesIn, type Running } from './processes';
import { hasEnded, operationDeadlineMs, type Scene } from './scene';
import { writesOf } from './witness';

/** Lease and reconciler need 35 s; what takes longer is measured, not cut off. */
const pickUpDeadlineMs = 120_000;
const wakeDeadlineMs = 60_000;
const refusalDeadlineMs = 30_000;

/** @param note  told each hit; none when the operation was over sooner */
export async function beHit(scene: Scene, note: (hit: Hit) => void): Promise<void> {
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
  // Terraform starts its provider a moment after itself
  const victim = await eventually<Running | 'over'>({ ...patience, what: `the ${it.victim}` }, () => {
    const inside = processesIn(workspace);
    const terraform = inside.find(({ pid, program }) => pid === seen.pid && program === seen.program);
    if (terraform === undefined) return 'over';
    if (it.victim === 'Terraform killed') return terraform;
    const provider = inside.find(
      ({ parent, program }) => parent === seen.pid && program.startsWith('terraform-provider-'),
    );
    return provider ?? null;
  });
  if (victim === 'over') return null;
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
async function thaw(scene: Scene, frozen: Fired): Promise<NonNullable<Hit['woken']>> {
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
