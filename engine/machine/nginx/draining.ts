/**
 * Workers of Nginx that only wait for their last visitors: each reload leaves some behind. Whoever holds a connection
 * open over many reloads must not make their number grow without bound.
 */
import { readFileSync } from 'node:fs';
import { processesIn } from '../../base/process';

/** So many reloads ago began whoever is still let finish; what began before is ended. */
const generationsKept = 16;
/** Where each generation has many. */
const mostWorkers = 64;

/** @param workers  of one generation */
export function mostDraining(workers: number): number {
  return Math.min(mostWorkers, generationsKept * workers);
}

interface Worker {
  readonly pid: number;
  /** In ticks since the machine was started. */
  readonly startedAt: number;
}

/** Of the Nginx in this directory, the oldest first. Empty where it runs in a container of its own. */
export function drainingWorkers(dir: string): readonly Worker[] {
  return processesIn(dir)
    .flatMap((pid) => {
      const startedAt = drainsSince(pid);
      return startedAt === null ? [] : [{ pid, startedAt }];
    })
    .sort((a, b) => a.startedAt - b.startedAt);
}

function drainsSince(pid: number): number | null {
  try {
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    if (!title.startsWith('nginx: worker process is shutting down')) return null;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    // it went by itself
    return null;
  }
}

/** @param most  workers that are let finish; the oldest of more are ended */
export function endOldest(dir: string, most: number): void {
  const workers = drainingWorkers(dir);
  for (const { pid } of workers.slice(0, Math.max(0, workers.length - most))) {
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      // it went by itself
    }
  }
}
