/** A stack's Terraform state as Postgres keeps it: sealed, and bound to its stack. */
import { EngineError } from '../base/errors';
import type { Parts } from '../durable';
import { saveState, type StateFacts } from '../store/stacks';
import type { Tx } from '../store/database';
import { markOf } from '../machine/terraform/judge-state';
import { resourceNames, type StateSnapshot } from '../machine/terraform/workspace';

type Box = Pick<Parts, 'secretBox'>;

export function keepState(tx: Tx, { secretBox }: Box, stackId: string, state: StateSnapshot): Promise<void> {
  const sealed = secretBox.seal(state.content, stateContext(stackId));
  return saveState(tx, stackId, { serial: state.serial, sealed, facts: factsOf(state.content) });
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

/** What is kept beside a sealed state, so that nobody need open it. @throws {EngineError} config_invalid */
export function factsInState(box: Box, stackId: string, sealed: Buffer): StateFacts {
  return factsOf(openState(box, stackId, sealed));
}

function factsOf(content: Buffer): StateFacts {
  return { names: resourceNames({ content }), mark: markOf(content) };
}

/** What a state is sealed under. */
export function stateContext(stackId: string): string {
  return `terraform-state ${stackId}`;
}
