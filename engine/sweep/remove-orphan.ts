/** Takes away what is left of a hosting that has ended, or that the database never knew. */
import { z } from 'zod';
import { EngineError } from '../base/errors';
import { unroute, vmExists } from '../hostings';
import { removeMarked } from '../machine/libvirt/remove-marked';
import { endEjected } from '../store/ejections';
import { findHosting, hasEnded, releaseReservations } from '../store/hostings';
import { operation, type StepWith } from '../stack';

export const removeOrphan = operation({
  kind: 'remove-orphan',
  input: z.object({}),
  needs: ['config', 'database', 'inventory', 'routePublisher', 'stack'],
  onFailure: 'stick',
  onRemoval: 'wait',
})
  .step('confirm', { do: confirm })
  .step('unroute', { do: unroute })
  .step('remove', { do: remove })
  .step('forget', { do: ({ stack }) => stack.forget() })
  .step('release', { do: release });

type Context = StepWith<'config' | 'database' | 'inventory'>;

/** Looks again, now that nobody else can work on it: a sweep sees each source at another moment. */
async function confirm(context: Context): Promise<void> {
  const { database, stackId } = context;
  const hosting = await findHosting(database.direct, stackId);
  const lives =
    hosting?.status === 'ejected' ? await vmExists(context, stackId) : hosting !== null && !hasEnded(hosting);
  if (lives) throw new EngineError('not_an_orphan');
}

function remove({ config, inventory, stackId, report }: Context): Promise<void> {
  return removeMarked(inventory, config.POOL_NAME, stackId, (what) => {
    report(`removing ${what}`);
  });
}

async function release({ stackId, write }: Context): Promise<void> {
  await write(async (tx) => {
    await releaseReservations(tx, stackId);
    await endEjected(tx, stackId);
  });
}
