/** Takes away a VM that was made ahead and never had an owner. Nothing leads to it, so there is no route to close. */
import { releaseHosting } from '../store/hostings';
import { destroy } from './create-hosting';
import type { OperationDefinition, StepContext } from './operation';
import { forgetStack } from './stack-work';

export const removeSpare: OperationDefinition = {
  kind: 'remove-spare',
  onFailure: 'stick',
  steps: [
    { name: 'destroy', run: destroy },
    { name: 'forget', run: forgetStack },
    { name: 'release', run: release },
  ],
};

async function release({ stackId, write }: StepContext): Promise<void> {
  await write((tx) => releaseHosting(tx, stackId, { status: 'deleted' }));
}
