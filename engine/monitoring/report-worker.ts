/**
 * Says in the database how the parts are that only a worker can reach: an API without libvirt, Nginx or Terraform
 * beside it tells its users from there. A file beside it says that this worker lives, for whoever watches the process.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { workerHealth } from './health';
import { machineMetrics } from './metrics-of-machine';
import type { Parts } from '../durable';
import { processName } from '../base/process-name';
import { forgetReport, recordReport } from '../store/worker-reports';
import { andThen, every, type LastLook, type Reconciler } from '../base/every';

const usualMs = 10_000;
/** What is down may be starting: the end of that is told soon. */
const whileDownMs = 1_000;

/**
 * Its stop takes the report away.
 *
 * @param looks  how this worker's reconcilers are
 */
export function reportWorker(
  parts: Pick<Parts, 'config' | 'database' | 'inventory' | 'log' | 'nodeCare' | 'proxy' | 'terraform'>,
  looks: () => readonly LastLook[] = () => [],
): Reconciler {
  const { config, database, log } = parts;
  const worker = processName();
  const machine = machineMetrics(parts);
  const alive = path.join(config.DATA_DIR, 'run/worker.alive');
  let isDown = false;
  const intervalMs = (): number => (isDown ? whileDownMs : usualMs);
  const reporting = every({ name: 'worker report', intervalMs, log }, async () => {
    const [components, counts] = await Promise.all([workerHealth(parts), machine()]);
    isDown = components.some(({ status }) => status === 'down');
    await recordReport(database.direct, { worker, components, machine: counts, looks: looks() });
    await mkdir(path.dirname(alive), { recursive: true });
    await writeFile(alive, `${worker}\n`);
  });
  return andThen(reporting, () => {
    // best effort: without a database the report is old soon
    forgetReport(database.direct, worker).catch(() => undefined);
  });
}
