/** What the stacks' states know of, as their rows say; a state itself is opened once at most, where the row says nothing. */
import { setImmediate as nextTick } from 'node:timers/promises';
import { factsInState } from '../stack';
import { type Parts } from '../durable';
import { noteStateFacts, sealedState } from '../store/stacks';
import { judgeState, type LocalState } from '../machine/terraform/judge-state';
import { readStateFile, stackWorkspace } from '../machine/terraform/workspace';
import type { Records } from '../store/records';

/**
 * Stack -> names of the resources in its state.
 *
 * A state that cannot be opened (another STATE_KEY) is as good as none: its hosting is reported.
 */
export async function namesInStates(
  parts: Pick<Parts, 'database' | 'log' | 'secretBox'>,
  { stacks }: Pick<Records, 'stacks'>,
): Promise<Map<string, readonly string[]>> {
  const states = new Map<string, readonly string[]>();
  for (const [stackId, { seal, names }] of stacks) {
    if (seal === null || !parts.secretBox.knowsKeyOf(seal)) continue;
    const known = names ?? (await lookInto(parts, stackId));
    if (known !== null) states.set(stackId, known);
  }
  return states;
}

/** A state of before its names were kept beside it. */
async function lookInto(
  parts: Pick<Parts, 'database' | 'log' | 'secretBox'>,
  stackId: string,
): Promise<readonly string[] | null> {
  const { direct } = parts.database;
  const state = await sealedState(direct, stackId);
  if (state === null) return null;
  // leases are to be renewed between two of them
  await nextTick();
  try {
    const facts = factsInState(parts, stackId, state.sealed);
    await noteStateFacts(direct, stackId, state.serial, facts);
    return facts.names;
  } catch (err) {
    parts.log.warn({ err, stackId }, 'Terraform state cannot be opened');
    return null;
  }
}

/** Of workspaces of this machine that nobody works in. */
export async function judgeStates(
  { config }: Pick<Parts, 'config'>,
  { living, busy, stacks }: Pick<Records, 'living' | 'busy' | 'stacks'>,
  workspaces: readonly string[],
): Promise<Map<string, LocalState>> {
  const judged = new Map<string, LocalState>();
  for (const id of workspaces) {
    const stack = stacks.get(id);
    if (stack === undefined || stack.seal === null || busy.has(id) || !living.has(id)) continue;
    const local = await readStateFile(stackWorkspace(config, id));
    if (local !== null) judged.set(id, judgeState(local, stack.mark));
  }
  return judged;
}
