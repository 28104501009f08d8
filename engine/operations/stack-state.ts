/** A stack's Terraform state as Postgres keeps it: sealed, and bound to its stack. */
import { EngineError } from '../errors';
import type { Parts } from '../parts';
import { saveState } from '../store/stacks';
import type { Tx } from '../store/database';
import { resourceNames, type StateSnapshot } from '../terraform/workspace';

type Box = Pick<Parts, 'secretBox'>;

export function keepState(tx: Tx, { secretBox }: Box, stackId: string, state: StateSnapshot): Promise<void> {
  const sealed = secretBox.seal(state.content, stateContext(stackId));
  return saveState(tx, stackId, state.serial, sealed, resourceNames(state));
}

/** For a state that is kept elsewhere than with its stack. */
export function sealState({ secretBox }: Box, stackId: string, state: Buffer): Buffer {
  return secretBox.seal(state, stateContext(stackId));
}

/** @throws {EngineError} config_invalid when it was sealed with another key or for another stack */
export function openState({ secretBox }: Box, stackId: string, sealed: Buffer): Buffer {
  try {
    return secretBox.open(sealed, stateContext(stackId));
  } catch (cause) {
    throw new EngineError('config_invalid', 'The Terraform state was sealed with another STATE_KEY', {
      cause,
    });
  }
}

/** Names of what a sealed state knows of. @throws {EngineError} config_invalid */
export function namesInState(box: Box, stackId: string, sealed: Buffer): string[] {
  return resourceNames({ content: openState(box, stackId, sealed) });
}

/** What a state is sealed under. */
export function stateContext(stackId: string): string {
  return `terraform-state ${stackId}`;
}
