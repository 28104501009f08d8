/** Makes a hosting: from a reserved name, address and port to a page that the outside can read. */
import { findUser } from '../store/users';
import { closeRoute, openRoute } from '../store/routes';
import { getHosting, type HostingRow, markRunning, releaseHosting, updateHosting } from '../store/hostings';
import { findNode } from '../store/stacks';
import { EngineError } from '../errors';
import type { OperationDefinition, StepContext } from './operation';
import { hostingMarker, hostingNames, hostingPolicy, hostingSpec } from './hosting-stack-facts';
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
  const { parts } = context;
  const hosting = await hostingOf(context);
  const [owner, node] = await Promise.all([
    findUser(parts.database.direct, hosting.userId),
    findNode(parts.database.direct, hosting.node),
  ]);
  if (owner === null || node === null)
    throw new EngineError('internal', 'Something failed inside the service', {
      cause: new Error('no owner or node'),
    });
  await synthesizeStack(context, hostingSpec(hosting, owner, node, parts.config));
}

async function plan(context: StepContext): Promise<unknown> {
  // a killed apply may have made what it never wrote into its state; a new apply would collide with it or adopt it
  if (context.resumed) await removeUntracked(context, hostingNames(context.stackId, context.parts.config));
  return planStack(context, 'apply');
}

async function check(context: StepContext): Promise<void> {
  await checkStackPlan(context, hostingPolicy(await hostingOf(context), context.parts.config, 'apply'));
}

async function destroy(context: StepContext): Promise<void> {
  const hosting = await hostingOf(context);
  const { config } = context.parts;
  await destroyStack(context, hostingPolicy(hosting, config, 'destroy'), hostingNames(hosting.id, config));
}

/** The VM counts as up when it serves its own page. */
async function boot(context: StepContext): Promise<void> {
  const hosting = await hostingOf(context);
  await waitForPage(context, hosting.ip, hostingMarker(hosting));
}

/** After the route: the page is there a second before SSH answers, and need not wait for it. */
async function ssh(context: StepContext): Promise<void> {
  const hosting = await hostingOf(context);
  const sshHostKeys = await waitForSsh(context, hosting.ip);
  await context.write((tx) => updateHosting(tx, hosting.id, { sshHostKeys }));
}

async function route(context: StepContext): Promise<void> {
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

async function unroute(context: StepContext): Promise<void> {
  const hosting = await hostingOf(context);
  await context.write((tx) => closeRoute(tx, hosting.id));
  await context.parts.routePublisher.publish();
}

async function ready(context: StepContext): Promise<void> {
  await context.write((tx) => markRunning(tx, context.stackId, context.parts.clock.now()));
}

async function release(context: StepContext): Promise<void> {
  const { code, message } = context.failure ?? {
    code: 'internal' as const,
    message: 'Something failed inside the service',
  };
  await context.write((tx) => releaseHosting(tx, context.stackId, { status: 'failed', code, message }));
}

function hostingOf({ parts, stackId }: StepContext): Promise<HostingRow> {
  return getHosting(parts.database.direct, stackId);
}
