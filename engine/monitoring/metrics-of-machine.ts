/** Counts that are asked of the machine itself: slow ones are remembered for a few seconds, and what fails is null. */
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { cachedFor } from '../base/cached';
import type { MachineMetrics } from '../model/metrics';
import type { Config } from '../base/config';
import type { Parts } from '../durable';
import { drainingWorkers } from '../machine/nginx/draining';

const keptMs = 10_000;
/** What libvirt says of a domain; each is counted even when there is none. */
const states = ['running', 'saved', 'shut off', 'paused', 'crashed'];

export function machineMetrics({
  config,
  inventory,
}: Pick<Parts, 'config' | 'inventory'>): () => Promise<MachineMetrics> {
  const vms = cachedFor(keptMs, async () => {
    const { domains } = await inventory.survey(config.POOL_NAME);
    const ours = domains.filter(({ hostingId }) => hostingId !== null);
    const known = new Set([...states, ...ours.map(({ state }) => state)]);
    return [...known].map((state) => ({ state, count: ours.filter((each) => each.state === state).length }));
  });
  const pool = async (): Promise<MachineMetrics['pool']> => {
    const { bavail, blocks, bsize } = await statfs(config.POOL_DIR);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  };
  return async () => {
    const none = (): null => null;
    const [vmsNow, poolNow] = await Promise.all([vms().catch(none), pool().catch(none)]);
    return { vms: vmsNow, pool: poolNow, draining: draining(config) };
  };
}

function draining({ NGINX_CONTROL, nginxDir }: Config): MachineMetrics['draining'] {
  if (NGINX_CONTROL === 'pipe') return null;
  return [
    { nginx: 'pages', count: drainingWorkers(nginxDir).length },
    { nginx: 'ssh', count: drainingWorkers(path.join(nginxDir, 'ssh')).length },
  ];
}
