/** Looks at every source and says what does not fit together. Changes nothing. */
import type { Parts } from '../parts';
import { allRoutes } from '../store/routes';
import { listWorkspaces } from '../terraform/workspace';
import { compare, mentioned } from './compare';
import type { SweepReport } from './findings';
import { knownHostings, readRecords } from './records';
import { namesInStates } from './states';

/** @throws {EngineError} when a source cannot be read: database_unavailable, libvirt_unavailable */
export async function sweep(parts: Parts): Promise<SweepReport> {
  const { clock, config, database, inventory, proxy } = parts;
  const at = clock.now();
  const started = performance.now();
  const before = await readRecords(database, config.NODE_NAME);
  const [libvirt, workspaces, nginx] = await Promise.all([
    inventory.survey(config.POOL_NAME),
    listWorkspaces(config.workspacesDir),
    allRoutes(database.direct).then(async (routes) => ({
      routesServed: await proxy.serves(routes),
      heldPorts: await proxy.heldPorts(routes),
    })),
  ]);
  const after = await readRecords(database, config.NODE_NAME);
  const states = await namesInStates(parts, after);
  const sources = { before, after, libvirt, workspaces, ...nginx, states };
  const known = await knownHostings(database.direct, mentioned(sources));
  return { at, ms: Math.round(performance.now() - started), findings: compare({ ...sources, known }) };
}
