/** Operations by their kind, as a worker has them. */
import type { OperationKind } from '../../engine/model/operation';
import type { Definition } from '../../engine/stack';
import { definitions } from '../../engine/start';

export function definitionOf(kind: OperationKind): Definition {
  const found = definitions.find((definition) => definition.kind === kind);
  if (found === undefined) throw new Error(`no room has the operation ${kind}`);
  return found;
}
