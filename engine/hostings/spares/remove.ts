/** Takes away a VM that was made ahead and never had an owner. What is closed is its SSH port, where nobody was let in. */
import { releaseDeleted, unrouteAndDestroy } from '../steps';
import { forgetStack, type Definition as OperationDefinition } from '../../stack';

export const removeSpare: OperationDefinition = {
  kind: 'remove-spare',
  onFailure: 'stick',
  steps: [
    { name: 'destroy', run: unrouteAndDestroy },
    { name: 'forget', run: forgetStack },
    { name: 'release', run: releaseDeleted },
  ],
};
