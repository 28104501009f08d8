/** Looks at every source and says what does not fit together. Changes nothing. */
import { nodeNames } from '../node/node-names';
import { openState, namesInState } from '../operations/stack-state';
import type { Parts } from '../parts';
import { allRoutes } from '../store/routes';
import { judgeState, type LocalState } from '../terraform/judge-state';
import { listWorkspaces, readStateFile } from '../terraform/workspace';
import { stackWorkspace } from '../operations/stack-workspace';
import { compare, mentioned } from './compare';
import type { SweepReport } from './findings';
import { type HostingRecord, knownHostings, readRecords, type Records } from './records';
import { silentHostings } from './silent';

/** @throws {EngineError} when a source cannot be read: database_unavailable, libvirt_unavailable */
export async function sweep(parts: Parts): Promise<SweepReport> {
  const { clock, config, database, inventory, proxy } = parts;
  const at = clock.now();
  const started = performance.now();
  const before = await readRecords(database, config.NODE_NAME);
  const names = nodeNames(config);
  const [state, libvirt, workspaces, routesServed] = await Promise.all([
    parts.nodeCare.look(names),
    inventory.survey(config.POOL_NAME),
    listWorkspaces(config.workspacesDir),
    allRoutes(database.direct).then((routes) => proxy.serves(routes)),
  ]);
  const after = await readRecords(database, config.NODE_NAME);
  const sources = {
    ...{ before, after, libvirt, workspaces, routesServed, node: { names, state } },
    states: readStates(parts, after),
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

/** Of workspaces of this machine that nobody works in. */
async function judgeStates(
  parts: Parts,
  { living, busy, stacks }: Records,
  workspaces: readonly string[],
): Promise<Map<string, LocalState>> {
  const judged = new Map<string, LocalState>();
  for (const id of workspaces) {
    const sealed = stacks.get(id);
    if (sealed == null || busy.has(id) || !living.has(id)) continue;
    const local = await readStateFile(stackWorkspace(parts.config, id));
    if (local === null) continue;
    try {
      judged.set(id, judgeState(local, openState(parts, id, sealed)));
    } catch {
      // told once, as a missing state
    }
  }
  return judged;
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
