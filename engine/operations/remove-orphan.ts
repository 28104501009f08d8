/** Takes away what is left of a hosting that has ended, or that the database never knew. */
import { EngineError } from '../errors';
import { isoName, rootVolumeName, vmNameOf } from '../hosting-names';
import { vmExists } from '../ejection/vm-exists';
import { endEjected } from '../store/ejections';
import { findHosting, hasEnded, releaseReservations } from '../store/hostings';
import { closeRoute } from '../store/routes';
import type { OperationDefinition, StepContext } from './operation';
import { forgetStack } from './stack-work';

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
  if (lives) throw new EngineError('not_an_orphan', 'The hosting lives; nothing was removed');
}

async function unroute(context: StepContext): Promise<void> {
  await context.write((tx) => closeRoute(tx, context.stackId));
  await context.parts.routePublisher.publish();
}

/** Directly in libvirt: there may be no state to ask Terraform with. A domain without our mark is not ours. */
async function remove({ parts, stackId, assertHeld, report }: StepContext): Promise<void> {
  const { config, inventory } = parts;
  const { domains, volumes } = await inventory.survey(config.POOL_NAME);
  for (const { name, hostingId } of domains) {
    if (hostingId !== stackId || name !== vmNameOf(stackId)) continue;
    assertHeld();
    report(`removing domain ${name}`);
    await inventory.removeDomain(name);
  }
  for (const name of [rootVolumeName(stackId), isoName(stackId)]) {
    if (!volumes.includes(name)) continue;
    assertHeld();
    report(`removing volume ${name}`);
    await inventory.removeVolume(config.POOL_NAME, name);
  }
}

async function release(context: StepContext): Promise<void> {
  await context.write(async (tx) => {
    await releaseReservations(tx, context.stackId);
    await endEjected(tx, context.stackId);
  });
}
