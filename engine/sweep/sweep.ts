/** Looks at every source and says what does not fit together. Changes nothing. */
import { floorBytes } from '../model/capacity';
import { nodeNames } from '../machine/host/node-names';
import type { Parts } from '../durable';
import { allRoutes } from '../store/routes';
import { listWorkspaces } from '../machine/terraform/workspace';
import { compare, mentioned } from './compare';
import type { SweepReport } from './findings';
import { type HostingRecord, knownHostings, readRecords, type Records } from '../store/records';
import { silentHostings } from './silent';
import { judgeStates, namesInStates } from './states';

/** @throws {EngineError} when a source cannot be read: database_unavailable, libvirt_unavailable */
export async function sweep(
  parts: Pick<
    Parts,
    'clock' | 'config' | 'database' | 'guest' | 'inventory' | 'log' | 'nodeCare' | 'proxy' | 'secretBox'
  >,
): Promise<SweepReport> {
  const { clock, config, database, inventory, proxy } = parts;
  const at = clock.now();
  const started = performance.now();
  const before = await readRecords(database, config.NODE_NAME);
  const names = nodeNames(config);
  const [state, libvirt, workspaces, nginx] = await Promise.all([
    parts.nodeCare.look(names),
    inventory.survey(config.POOL_NAME),
    listWorkspaces(config.workspacesDir),
    allRoutes(database.direct).then(async (routes) => ({
      routesServed: await proxy.serves(routes),
      heldPorts: await proxy.heldPorts(routes),
    })),
  ]);
  const after = await readRecords(database, config.NODE_NAME);
  const sources = {
    ...{
      before,
      after,
      libvirt,
      workspaces,
      ...nginx,
      node: { names, state, floorBytes: floorBytes(config) },
    },
    states: await namesInStates(parts, after),
    localStates: await judgeStates(parts, after, workspaces),
    // without the network's route a question would leave by another one
    silent: await silentHostings(parts, state.network === 'active' ? runningOf(after) : []),
  };
  const known = await knownHostings(database.direct, mentioned(sources));
  return { at, ms: Math.round(performance.now() - started), findings: compare({ ...sources, known }) };
}

function runningOf({ living, busy }: Records): HostingRecord[] {
  return [...living.values()].filter(({ id, status }) => status === 'running' && !busy.has(id));
}
