/** Takes away a VM that was made ahead and never had an owner. Nothing leads to it, so there is no route to close. */
import { destroy, releaseDeleted } from './hosting-steps';
import type { OperationDefinition } from './operation';
import { forgetStack } from './stack-work';

export const removeSpare: OperationDefinition = {
  kind: 'remove-spare',
  onFailure: 'stick',
  steps: [
    { name: 'destroy', run: destroy },
    { name: 'forget', run: forgetStack },
    { name: 'release', run: releaseDeleted },
  ],
};
