/** Takes every trace of a VM away. There is no way back: a step that fails is tried again until it succeeds. */
import { z } from 'zod';
import { operation } from '../stack';
import { releaseDeleted, unrouteAndDestroy } from './steps';

function removal(kind: 'delete-hosting' | 'remove-spare') {
  return operation({
    kind,
    input: z.object({}),
    needs: ['config', 'database', 'routePublisher', 'stack'],
    onFailure: 'stick',
    onRemoval: 'join',
  })
    .step('destroy', { do: unrouteAndDestroy })
    .step('forget', { do: ({ stack }) => stack.forget() })
    .step('release', { do: releaseDeleted });
}

export const deleteHosting = removal('delete-hosting');

/** Of one that was made ahead and never had an owner. What is closed is its SSH port, where nobody was let in. */
export const removeSpare = removal('remove-spare');
