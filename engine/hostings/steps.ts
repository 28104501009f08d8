/** Steps that several operations on a hosting share. Each is safe to repeat. */
import { z } from 'zod';
import type { HostingSpec } from '../../stacks';
import type { GuestFacts } from '../machine/guest/cloud-init';
import { EngineError } from '../base/errors';
import { requireRoomNow } from '../node';
import { getOwnedHosting, markRunning, type OwnedHosting, releaseHosting } from '../store/hostings';
import { closeRoute, openRoute } from '../store/routes';
import { findNode } from '../store/stacks';
import { findUser } from '../store/users';
import { guestFacts, hostingMarker, hostingNames, hostingPolicy, hostingSpec } from './facts';
import { steps, type StepWith } from '../stack';
import { hostingAt } from './power-steps';
import { waitForPage } from './wait-for-guest';

/** What the stack of the hosting's owner is made from, and what the guest is told about them. */
export async function specificationOf(
  context: StepWith<'config' | 'database'>,
): Promise<{ spec: HostingSpec; guest: GuestFacts }> {
  const { config, database } = context;
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

/** Keeps and renders the specification of the owner's stack. */
export async function synthesize(context: StepWith<'config' | 'database' | 'stack'>): Promise<void> {
  await context.stack.synthesize((await specificationOf(context)).spec);
}

async function plan(context: StepWith<'config' | 'stack'>): Promise<{ changes: boolean }> {
  return context.resumed ? planAfresh(context) : context.stack.plan('apply');
}

/** A killed apply may have made what it never wrote into its state; a new apply would collide with it or adopt it. */
export async function planAfresh({
  config,
  stack,
  stackId,
}: StepWith<'config' | 'stack'>): Promise<{ changes: boolean }> {
  await stack.removeUntracked(hostingNames(stackId, config));
  return stack.plan('apply');
}

/** The plan firewall, and whether there still is room for what the plan makes. */
export async function check(
  context: StepWith<'config' | 'database' | 'inventory' | 'nodeCare' | 'stack'>,
): Promise<void> {
  const hosting = await hostingAt(context);
  await context.stack.check(hostingPolicy(hosting, context.config, 'apply'));
  await requireRoomNow(context, hosting);
}

/** From a workspace to a VM that boots, with or without an owner. */
export const applySteps = steps({
  input: z.object({}),
  needs: ['config', 'database', 'inventory', 'nodeCare', 'stack'],
})
  .step('init', { do: ({ stack }) => stack.init() })
  .step('plan', { do: plan })
  .step('check', { do: check })
  .step('apply', { do: ({ stack }) => stack.apply(), undo: destroy, restartAt: 'plan' });

type Destroying = StepWith<'config' | 'database' | 'stack'>;

/** Takes the stack down, whoever its hosting belongs to. */
export function destroy(context: Destroying): Promise<void> {
  return destroyAfter(() => Promise.resolve(), context);
}

/** Nobody is led to a VM that is going: its route is gone before anything of it is, and goes while Terraform plans. */
export function unrouteAndDestroy(context: Destroying & StepWith<'routePublisher'>): Promise<void> {
  return destroyAfter(() => unroute(context), context);
}

async function destroyAfter(before: () => Promise<void>, context: Destroying): Promise<void> {
  const { config, stack, stackId } = context;
  const policy = hostingPolicy(await hostingAt(context), config, 'destroy');
  await stack.destroy(policy, hostingNames(stackId, config), before);
}

/** The VM counts as up when it serves its own page. */
export async function boot(context: StepWith<'clock' | 'config' | 'database' | 'guest'>): Promise<void> {
  const hosting = await hostingOf(context);
  await waitForPage(context, hosting.ip, hostingMarker(hosting));
}

type Routing = StepWith<'database' | 'proxy' | 'routePublisher'>;

export async function route(context: Routing): Promise<void> {
  const hosting = await hostingOf(context);
  await context.write((tx) => openRoute(tx, hosting.id));
  await context.routePublisher.publish();
  await expectPage(context, hosting);
}

async function expectPage({ proxy }: StepWith<'proxy'>, hosting: OwnedHosting): Promise<void> {
  const page = await proxy.fetch(`/${hosting.userId}`);
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
export async function routeAtOnce(context: Routing): Promise<void> {
  const { proxy, routePublisher } = context;
  const hosting = await hostingOf(context);
  await context.write((tx) => openRoute(tx, hosting.id));
  const page = await proxy.fetch(`/${hosting.userId}`).catch(() => '');
  if (page.includes(hostingMarker(hosting))) return;
  await routePublisher.publish();
  await expectPage(context, hosting);
}

export async function unroute({ routePublisher, stackId, write }: StepWith<'routePublisher'>): Promise<void> {
  await write((tx) => closeRoute(tx, stackId));
  await routePublisher.publish();
}

export async function ready({ clock, stackId, write }: StepWith<'clock'>): Promise<void> {
  await write((tx) => markRunning(tx, stackId, clock.now()));
}

/** The undo of what was reserved: name, address and port are free again. */
export async function releaseFailed(context: StepWith): Promise<void> {
  const { code, message } = context.failure ?? new EngineError('internal');
  await context.write((tx) => releaseHosting(tx, context.stackId, { status: 'failed', code, message }));
}

export function hostingOf({ database, stackId }: StepWith<'database'>): Promise<OwnedHosting> {
  return getOwnedHosting(database.direct, stackId);
}

/** The last step of a removal: name, address and port are free again. */
export async function releaseDeleted({ stackId, write }: StepWith): Promise<void> {
  await write((tx) => releaseHosting(tx, stackId, { status: 'deleted' }));
}
