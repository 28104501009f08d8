/** What the stacks' states know of, as their rows say; a state itself is opened once at most, where the row says nothing. */
import { setImmediate as nextTick } from 'node:timers/promises';
import { namesInState } from '../operations/stack-state';
import type { Parts } from '../parts';
import { noteResourceNames, sealedState } from '../store/stacks';
import type { Records } from './records';

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
): Promise<string[] | null> {
  const { direct } = parts.database;
  const state = await sealedState(direct, stackId);
  if (state === null) return null;
  // leases are to be renewed between two of them
  await nextTick();
  try {
    const names = namesInState(parts, stackId, state.sealed);
    await noteResourceNames(direct, stackId, state.serial, names);
    return names;
  } catch (err) {
    parts.log.warn({ err, stackId }, 'Terraform state cannot be opened');
    return null;
  }
}
