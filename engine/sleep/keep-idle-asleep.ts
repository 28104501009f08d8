/** Lets VMs sleep that nobody has visited for a while. What it decides is in idle.ts. */
import { findIdle, type LastUse, unlessSet } from './idle';
import type { Parts } from '../durable';
import { acceptSleep } from './sleep';
import { countUnfinished } from '../store/operations';
import { restfulHostings } from '../store/sleep';
import { toEngineError } from '../base/errors';
import { every, type Reconciler } from '../base/every';

/** A save writes the memory of a VM to the disk: all at once would hold up those who are awake. */
const atOnce = 2;
const longestIntervalMs = 10_000;

type IdleParts = Pick<Parts, 'clock' | 'config' | 'database' | 'log' | 'queue' | 'traffic'>;

export function reconcileIdle(parts: IdleParts): Reconciler | null {
  const afterMs = parts.config.SLEEP_AFTER_MINUTES * 60_000;
  if (afterMs === 0) return null;
  const { clock } = parts;
  let lastUse: LastUse = new Map();
  let skew: number | null = null;
  const intervalMs = Math.min(longestIntervalMs, afterMs / 4);
  return every({ name: 'idle', intervalMs, log: parts.log }, async () => {
    const before = skew;
    skew = clock.now().getTime() - clock.elapsedMs();
    lastUse = await letIdleSleep(parts, unlessSet(lastUse, skew, before), afterMs);
  });
}

/** One look. @returns what the next look is to be told */
export async function letIdleSleep(parts: IdleParts, before: LastUse, afterMs: number): Promise<LastUse> {
  const { clock, config, database, traffic } = parts;
  const [visits, connected] = await Promise.all([traffic.visits(), traffic.connected()]);
  const rows = await restfulHostings(database.direct, config.NODE_NAME);
  const now = clock.now().getTime();
  const hostings = rows.map(({ id, ip, restedSeconds }) => ({
    id,
    ip,
    touchedAt: now - restedSeconds * 1000,
  }));
  const { lastUse, idle } = findIdle(before, { now, hostings, visits, connected }, afterMs);
  const room = Math.max(0, atOnce - (await countUnfinished(database.direct, 'sleep-hosting')));
  for (const id of idle.slice(0, room)) await sleep(parts, id);
  // those that wait for a place are as idle at the next look
  const waiting = idle.slice(room).map((id) => [id, before.get(id) ?? now] as const);
  return new Map([...lastUse, ...waiting]);
}

async function sleep(parts: Pick<Parts, 'database' | 'log' | 'queue'>, id: string): Promise<void> {
  try {
    await parts.database.transaction((tx) => acceptSleep(parts, tx, id, { force: false }));
    parts.log.info({ hostingId: id }, 'nobody visits this VM; it goes to sleep');
  } catch (thrown) {
    // somebody was quicker
    if (!['hosting_busy', 'hosting_not_found'].includes(toEngineError(thrown).code)) throw thrown;
  }
}
