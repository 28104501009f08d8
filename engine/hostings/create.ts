/** Makes a hosting: from a reserved name, address and port to a page that the outside can read. */
import { updateHosting } from '../store/hostings';
import {
  boot,
  check,
  destroy,
  hostingOf,
  plan,
  ready,
  releaseFailed,
  route,
  specificationOf,
  unroute,
} from './steps';
import {
  applyStack,
  forgetStack,
  initializeStack,
  synthesizeStack,
  type Definition as OperationDefinition,
  flat,
  type OldContext as StepContext,
} from '../stack';
import { waitForSsh } from './wait-for-guest';

export const createHosting: OperationDefinition = {
  kind: 'create-hosting',
  onFailure: 'unwind',
  steps: [
    { name: 'reserve', undo: releaseFailed },
    { name: 'synthesize', run: synthesize, undo: forgetStack },
    { name: 'init', run: initializeStack },
    { name: 'plan', run: plan },
    { name: 'check', run: check },
    { name: 'apply', run: (context) => applyStack(context), undo: destroy, restartAt: 'plan' },
    { name: 'boot', run: boot },
    { name: 'route', run: route, undo: (context) => unroute(flat(context)) },
    { name: 'ssh', run: ssh },
    { name: 'ready', run: ready },
  ],
};

async function synthesize(context: StepContext): Promise<void> {
  await synthesizeStack(context, (await specificationOf(context)).spec);
}

/** After the route: the page is there a second before SSH answers, and need not wait for it. */
async function ssh(context: StepContext): Promise<void> {
  const hosting = await hostingOf(context);
  const sshHostKeys = await waitForSsh(flat(context), hosting.ip);
  await context.write((tx) => updateHosting(tx, hosting.id, { sshHostKeys }));
}
