/** Looks at every source and says what does not fit together. Changes nothing. */
import { namesInState } from '../operations/stack-state';
import type { Parts } from '../parts';
import { allRoutes } from '../store/routes';
import { listWorkspaces } from '../terraform/workspace';
import { compare, mentioned } from './compare';
import type { SweepReport } from './findings';
import { knownHostings, readRecords, type Records } from './records';

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
  const states = readStates(parts, after);
  const sources = { before, after, libvirt, workspaces, ...nginx, states };
  const known = await knownHostings(database.direct, mentioned(sources));
  return { at, ms: Math.round(performance.now() - started), findings: compare({ ...sources, known }) };
}

/** A state that cannot be opened (another STATE_KEY) is as good as none: its hosting is reported. */
function readStates(parts: Parts, { stacks }: Records): Map<string, string[]> {
  const states = new Map<string, string[]>();
  for (const [stackId, sealed] of stacks) {
    if (sealed === null) continue;
    try {
      states.set(stackId, namesInState(parts, stackId, sealed));
    } catch (err) {
      parts.log.warn({ err, stackId }, 'Terraform state cannot be opened');
    }
  }
  return states;
}
