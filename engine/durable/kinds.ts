/** What stands with each kind of operation, for whatever meets one of any kind. */
import type { OperationKind } from '../model/operation';
import type { OnRemoval, OperationDefinition } from './definition';

export interface Kinds {
  /** Those that the removal of their hosting treats like this. */
  treated(how: OnRemoval): readonly OperationKind[];
}

export function kindsOf(
  definitions: readonly Pick<OperationDefinition<never>, 'kind' | 'onRemoval'>[],
): Kinds {
  return {
    treated: (how) => definitions.filter(({ onRemoval }) => onRemoval === how).map(({ kind }) => kind),
  };
}
