/** Takes every trace of a hosting away. There is no way back: a step that fails is tried again until it succeeds. */
import { closeRoute } from '../store/routes';
import { getHosting, releaseHosting } from '../store/hostings';
import type { OperationDefinition, StepContext } from './operation';
import { hostingNames, hostingPolicy } from './hosting-stack-facts';
import { destroyStack, forgetStack } from './stack-work';

export const deleteHosting: OperationDefinition = {
  kind: 'delete-hosting',
  onFailure: 'stick',
  steps: [
    { name: 'unroute', run: unroute },
    { name: 'destroy', run: destroy },
    { name: 'forget', run: forgetStack },
    { name: 'release', run: release },
  ],
};

async function unroute(context: StepContext): Promise<void> {
  await context.write((tx) => closeRoute(tx, context.stackId));
  await context.parts.routePublisher.publish();
}

async function destroy(context: StepContext): Promise<void> {
  const { config, database } = context.parts;
  const hosting = await getHosting(database.direct, context.stackId);
  await destroyStack(context, hostingPolicy(hosting, config, 'destroy'), hostingNames(hosting.id, config));
}

async function release(context: StepContext): Promise<void> {
  await context.write((tx) => releaseHosting(tx, context.stackId, { status: 'deleted' }));
}
