/** Steps that several operations on a hosting share. Each is safe to repeat. */
import type { HostingSpec } from '../../stacks';
import type { GuestFacts } from '../machine/guest/cloud-init';
import { EngineError } from '../base/errors';
import { requireRoomNow } from '../node';
import {
  getHosting,
  getOwnedHosting,
  markRunning,
  type OwnedHosting,
  releaseHosting,
} from '../store/hostings';
import { closeRoute, openRoute } from '../store/routes';
import { findNode } from '../store/stacks';
import { findUser } from '../store/users';
import { guestFacts, hostingMarker, hostingNames, hostingPolicy, hostingSpec } from './facts';
import type { StepContext } from '../durable';
import { checkStackPlan, destroyStack, planStack, removeUntracked } from '../stack';
import { waitForPage } from './wait-for-guest';

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
    throw new EngineError('internal', undefined, {
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

/** The plan firewall, and whether there still is room for what the plan makes. */
export async function check(context: StepContext): Promise<void> {
  const hosting = await getHosting(context.parts.database.direct, context.stackId);
  await checkStackPlan(context, hostingPolicy(hosting, context.parts.config, 'apply'));
  await requireRoomNow(context.parts, hosting);
}

/** Takes the stack down, whoever its hosting belongs to. */
export function destroy(context: StepContext): Promise<void> {
  return destroyAfter(() => Promise.resolve(), context);
}

/** Nobody is led to a VM that is going: its route is gone before anything of it is, and goes while Terraform plans. */
export function unrouteAndDestroy(context: StepContext): Promise<void> {
  return destroyAfter(() => unroute(context), context);
}

async function destroyAfter(before: () => Promise<void>, context: StepContext): Promise<void> {
  const { config, database } = context.parts;
  const hosting = await getHosting(database.direct, context.stackId);
  const policy = hostingPolicy(hosting, config, 'destroy');
  await destroyStack(context, policy, hostingNames(hosting.id, config), before);
}

/** The VM counts as up when it serves its own page. */
export async function boot(context: StepContext): Promise<void> {
  const hosting = await hostingOf(context);
  await waitForPage(context, hosting.ip, hostingMarker(hosting));
}

export async function route(context: StepContext): Promise<void> {
  const { parts } = context;
  const hosting = await hostingOf(context);
  await context.write((tx) => openRoute(tx, hosting.id));
  await parts.routePublisher.publish();
  await expectPage(context, hosting);
}

async function expectPage({ parts }: StepContext, hosting: OwnedHosting): Promise<void> {
  const page = await parts.proxy.fetch(`/${hosting.userId}`);
  if (!page.includes(hostingMarker(hosting))) {
    throw new EngineError('proxy_unreachable', 'The page cannot be reached through Nginx', {
      retryable: true,
    });
  }
}

/**
 * As `route`, without a reload of Nginx where the door (engine/sleep/doors) finds the page already. The reconciler of served
 * routes takes the door out of the way, for all that have come meanwhile at once: each reload leaves old workers behind.
 */
export async function routeAtOnce(context: StepContext): Promise<void> {
  const { proxy, routePublisher } = context.parts;
  const hosting = await hostingOf(context);
  await context.write((tx) => openRoute(tx, hosting.id));
  const page = await proxy.fetch(`/${hosting.userId}`).catch(() => '');
  if (page.includes(hostingMarker(hosting))) return;
  await routePublisher.publish();
  await expectPage(context, hosting);
}

export async function unroute(context: StepContext): Promise<void> {
  await context.write((tx) => closeRoute(tx, context.stackId));
  await context.parts.routePublisher.publish();
}

export async function ready(context: StepContext): Promise<void> {
  await context.write((tx) => markRunning(tx, context.stackId, context.parts.clock.now()));
}

/** The undo of what was reserved: name, address and port are free again. */
export async function releaseFailed(context: StepContext): Promise<void> {
  const { code, message } = context.failure ?? new EngineError('internal');
  await context.write((tx) => releaseHosting(tx, context.stackId, { status: 'failed', code, message }));
}

export function hostingOf({ parts, stackId }: StepContext): Promise<OwnedHosting> {
  return getOwnedHosting(parts.database.direct, stackId);
}

/** The last step of a removal: name, address and port are free again. */
export async function releaseDeleted({ stackId, write }: StepContext): Promise<void> {
  await write((tx) => releaseHosting(tx, stackId, { status: 'deleted' }));
}
