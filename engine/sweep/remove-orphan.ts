/** Takes away what is left of a hosting that has ended, or that the database never knew. */
import { EngineError } from '../base/errors';
import { unroute, vmExists } from '../hostings';
import { removeMarked } from '../machine/libvirt/remove-marked';
import { endEjected } from '../store/ejections';
import { findHosting, hasEnded, releaseReservations } from '../store/hostings';
import type { OperationDefinition, StepContext } from '../durable';
import { forgetStack } from '../stack';

export const removeOrphan: OperationDefinition = {
  kind: 'remove-orphan',
  onFailure: 'stick',
  steps: [
    { name: 'confirm', run: confirm },
    { name: 'unroute', run: unroute },
    { name: 'remove', run: remove },
    { name: 'forget', run: forgetStack },
    { name: 'release', run: release },
  ],
};

/** Looks again, now that nobody else can work on it: a sweep sees each source at another moment. */
async function confirm({ parts, stackId }: StepContext): Promise<void> {
  const hosting = await findHosting(parts.database.direct, stackId);
  const lives =
    hosting?.status === 'ejected' ? await vmExists(parts, stackId) : hosting !== null && !hasEnded(hosting);
  if (lives) throw new EngineError('not_an_orphan');
}

function remove({ parts, stackId, assertHeld, report }: StepContext): Promise<void> {
  return removeMarked(parts.inventory, parts.config.POOL_NAME, stackId, (what) => {
    assertHeld();
    report(`removing ${what}`);
  });
}

async function release(context: StepContext): Promise<void> {
  await context.write(async (tx) => {
    await releaseReservations(tx, context.stackId);
    await endEjected(tx, context.stackId);
  });
}
