/** Whether every reconciler still looks, by what the workers report: one that has stopped is silent by itself. */
import type { LastLook } from '../base/every';
import type { ComponentHealth } from '../model/metrics';
import type { FreshReport } from '../store/worker-reports';

/** The newest look of each name, over all workers; null if no worker has reported lately. */
export function lastLooks(reports: readonly FreshReport[]): readonly LastLook[] | null {
  if (reports.length === 0) return null;
  const newest = new Map<string, LastLook>();
  for (const { looks, ageSeconds } of reports)
    for (const look of looks ?? []) {
      const seconds = look.seconds + ageSeconds;
      const known = newest.get(look.name);
      if (known === undefined || seconds < known.seconds) newest.set(look.name, { ...look, seconds });
    }
  return [...newest.values()];
}

/** A look may take its time, and its report comes every 10 s. */
const graceSeconds = 120;

export function isLate({ seconds, intervalSeconds }: LastLook): boolean {
  return seconds > 2 * intervalSeconds + graceSeconds;
}

export function judgeReconcilers(
  looks: readonly LastLook[] | null,
): Pick<ComponentHealth, 'status' | 'detail'> {
  if (looks === null)
    return { status: 'down', detail: 'no worker has reported for 30 s: start one, or check its log' };
  if (looks.length === 0) return { status: 'ok', detail: 'not reported by a worker of an older version' };
  const unwell = looks.flatMap((look) => {
    if (isLate(look)) return [`${look.name}: last look ${Math.round(look.seconds)} s ago`];
    return look.failure === null ? [] : [`${look.name}: last look failed (${look.failure})`];
  });
  if (unwell.length > 0)
    return { status: 'degraded', detail: `${unwell.join('; ')}: DATA_DIR/worker.log says why` };
  const found = looks.flatMap(({ name, found: said }) => (said === null ? [] : [`${name}: ${said}`]));
  return { status: 'ok', detail: [`${looks.length} look regularly`, ...found].join('; ') };
}
