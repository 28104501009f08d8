/** Makes a hosting: from a reserved name, address and port to a page that the outside can read. */
import type { HostingSpec } from '../../stacks';
import type { GuestFacts } from '../cloud-init';
import { findUser } from '../store/users';
import { closeRoute, openRoute } from '../store/routes';
import {
  getHosting,
  getOwnedHosting,
  markRunning,
  type OwnedHosting,
  releaseHosting,
  updateHosting,
} from '../store/hostings';
import { findNode } from '../store/stacks';
import { EngineError } from '../errors';
import type { OperationDefinition, StepContext } from './operation';
import { guestFacts, hostingMarker, hostingNames, hostingPolicy, hostingSpec } from './hosting-stack-facts';
import {
  applyStack,
  checkStackPlan,
  destroyStack,
  forgetStack,
  initializeStack,
  planStack,
  removeUntracked,
  synthesizeStack,
} from './stack-work';
import { waitForPage, waitForSsh } from './wait-for-guest';

export const createHosting: OperationDefinition = {
  kind: 'create-hosting',
  onFailure: 'unwind',
  steps: [
    { name: 'reserve', undo: release },
    { name: 'synthesize', run: synthesize, undo: forgetStack },
    { name: 'init', run: initializeStack },
    { name: 'plan', run: plan },
    { name: 'check', run: check },
    { name: 'apply', run: (context) => applyStack(context), undo: destroy, restartAt: 'plan' },
    { name: 'boot', run: boot },
    { name: 'route', run: route, undo: unroute },
    { name: 'ssh', run: ssh },
    { name: 'ready', run: ready },
  ],
};

async function synthesize(context: StepContext): Promise<void> {
  await synthesizeStack(context, (await specificationOf(context)).spec);
}

/** What the stack of the hosting's owner is made from, and what the guest is told about them. */
export async function specificationOf(
  context: StepContext,
): Promise<{ spec: HostingSpec; guest: GuestFacts }> {
  const { config, database } = context.parts;
  const hosting = await hostingOf(context);
  const [owner, node] = await Promise.all([
    findUser(database.direct, hosting.userId),
    findNode(database.direct, hosting.node),
  ]);
  if (owner === null || node === null)
    throw new EngineError('internal', 'Something failed inside the service', {
      cause: new Error('no owner or node'),
    });
  return {
    spec: hostingSpec(hosting, owner, node, config),
    guest: guestFacts(hosting, owner, config),
  };
}

export async function plan(context: StepContext): Promise<unknown> {
  // a killed apply may have made what it never wrote into its state; a new apply would collide with it or adopt it
  if (context.resumed) await removeUntracked(context, hostingNames(context.stackId, context.parts.config));
  return planStack(context, 'apply');
}

export async function check(context: StepContext): Promise<void> {
  const hosting = await getHosting(context.parts.database.direct, context.stackId);
  await checkStackPlan(context, hostingPolicy(hosting, context.parts.config, 'apply'));
}

/** Takes the stack down, whoever its hosting belongs to. */
export async function destroy(context: StepContext): Promise<void> {
  const { config, database } = context.parts;
  const hosting = await getHosting(database.direct, context.stackId);
  await destroyStack(context, hostingPolicy(hosting, config, 'destroy'), hostingNames(hosting.id, config));
}

/** The VM counts as up when it serves its own page. */
export async function boot(context: StepContext): Promise<void> {
  const hosting = await hostingOf(context);
  await waitForPage(context, hosting.ip, hostingMarker(hosting));
}

/** After the route: the page is there a second before SSH answers, and need not wait for it. */
async function ssh(context: StepContext): Promise<void> {
  const hosting = await hostingOf(context);
  const sshHostKeys = await waitForSsh(context, hosting.ip);
  await context.write((tx) => updateHosting(tx, hosting.id, { sshHostKeys }));
}

export async function route(context: StepContext): Promise<void> {
  const { parts } = context;
  const hosting = await hostingOf(context);
  await context.write((tx) => openRoute(tx, hosting.id));
  await parts.routePublisher.publish();
  const page = await parts.proxy.fetch(`/${hosting.userId}`);
  if (!page.includes(hostingMarker(hosting))) {
    throw new EngineError('proxy_unreachable', 'The page is not reachable through the proxy', {
      retryable: true,
    });
  }
}

export async function unroute(context: StepContext): Promise<void> {
  await context.write((tx) => closeRoute(tx, context.stackId));
  await context.parts.routePublisher.publish();
}

export async function ready(context: StepContext): Promise<void> {
  await context.write((tx) => markRunning(tx, context.stackId, context.parts.clock.now()));
}

export async function release(context: StepContext): Promise<void> {
  const { code, message } = context.failure ?? {
    code: 'internal' as const,
    message: 'Something failed inside the service',
  };
  await context.write((tx) => releaseHosting(tx, context.stackId, { status: 'failed', code, message }));
}

export function hostingOf({ parts, stackId }: StepContext): Promise<OwnedHosting> {
  return getOwnedHosting(parts.database.direct, stackId);
}
