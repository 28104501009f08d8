/** Keeps the logs of this machine small, whichever process has time for it first. */
import path from 'node:path';
import type { Config } from '../base/config';
import type { Parts } from '../durable';
import { rotateLog, rotationOf } from '../base/rotate-log';
import { every, type Reconciler } from '../base/every';

const intervalMs = 60_000;

/** Logs that nobody else rotates: the service's own, Nginx's, the embedded PostgreSQL's. */
export function logsOf({ DATA_DIR, nginxDir }: Pick<Config, 'DATA_DIR' | 'nginxDir'>): string[] {
  return [
    path.join(DATA_DIR, 'api.log'),
    path.join(DATA_DIR, 'worker.log'),
    path.join(nginxDir, 'error.log'),
    path.join(nginxDir, 'ssh/error.log'),
    path.join(DATA_DIR, 'postgres', 'server.log'),
  ];
}

export function reconcileLogs({ clock, config, log }: Pick<Parts, 'clock' | 'config' | 'log'>): Reconciler {
  const rotation = rotationOf(config);
  return every({ name: 'logs', intervalMs, log }, async () => {
    let rotated = 0;
    for (const file of logsOf(config)) {
      if (!(await rotateLog(file, clock.now(), rotation))) continue;
      log.info({ file }, 'log rotated');
      rotated += 1;
    }
    return rotated === 0 ? undefined : `rotated ${rotated} logs`;
  });
}
