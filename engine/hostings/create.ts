/** Makes a hosting: from a reserved name, address and port to a page that the outside can read. */
import { z } from 'zod';
import { operation, type StepWith } from '../stack';
import { updateHosting } from '../store/hostings';
import { applySteps, boot, hostingOf, ready, releaseFailed, route, synthesize, unroute } from './steps';
import { waitForSsh } from './wait-for-guest';

export const createHosting = operation({
  kind: 'create-hosting',
  input: z.object({}),
  needs: [
    'clock',
    'config',
    'database',
    'guest',
    'inventory',
    'nodeCare',
    'proxy',
    'routePublisher',
    'stack',
  ],
  onFailure: 'unwind',
  onRemoval: 'cancel',
})
  .step('reserve', { undo: releaseFailed })
  .step('synthesize', { do: synthesize, undo: ({ stack }) => stack.forget() })
  .include(applySteps)
  .step('boot', { do: boot })
  .step('route', { do: route, undo: unroute })
  .step('ssh', { do: ssh })
  .step('ready', { do: ready });

/** After the route: the page is there a second before SSH answers, and need not wait for it. */
async function ssh(context: StepWith<'clock' | 'config' | 'database' | 'guest'>): Promise<void> {
  const hosting = await hostingOf(context);
  const sshHostKeys = await waitForSsh(context, hosting.ip);
  await context.write((tx) => updateHosting(tx, hosting.id, { sshHostKeys }));
}
