/** Removing a hosting from the machine itself, with or without a service that works beside it. */
import type { NamedHosting } from '../../model/hosting';
import { type EngineParts, expectSuccess, finishOperation } from '../../durable';
import { EngineError } from '../../base/errors';
import { acceptDelete } from '../../hostings';
import { findHosting } from '../../store/hostings';

export async function removeHosting(
  engine: EngineParts,
  { id }: NamedHosting,
  handover: AbortSignal,
): Promise<void> {
  const { parts } = engine;
  const removal = await parts.database.transaction(async (tx) => {
    const hosting = await findHosting(tx, id);
    if (hosting === null) throw new EngineError('hosting_not_found', 'There is no such hosting');
    return acceptDelete(parts, tx, hosting);
  });
  expectSuccess(await finishOperation(engine, removal.id, id, handover));
}
