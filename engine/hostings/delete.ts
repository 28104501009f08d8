/** Takes every trace of a hosting away. There is no way back: a step that fails is tried again until it succeeds. */
import { releaseDeleted, unrouteAndDestroy } from './steps';
import { forgetStack, type Definition as OperationDefinition } from '../stack';

export const deleteHosting: OperationDefinition = {
  kind: 'delete-hosting',
  onFailure: 'stick',
  steps: [
    { name: 'destroy', run: unrouteAndDestroy },
    { name: 'forget', run: forgetStack },
    { name: 'release', run: releaseDeleted },
  ],
};
