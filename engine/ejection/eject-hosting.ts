/**
 * Lets a hosting go: its VM lives on, and is not the service's any more. What somebody goes on with by hand was written
 * before this was accepted; that it still is what there is, and that Terraform finds nothing to change, is looked at
 * here, before anything is given up.
 */
import { digestOf } from './digest';
import type { EjectInput } from './facts';
import { EngineError } from '../base/errors';
import { holdOn, letGo as letHostingGo } from '../store/ejections';
import { getHosting } from '../store/hostings';
import { openRoute } from '../store/routes';
import { findStack } from '../store/stacks';
import { removeWorkspace } from '../machine/terraform/workspace';
import {
  checkStackPlan,
  differences,
  initializeStack,
  planStack,
  rebuildWorkspace,
  unseenDrift,
} from '../stack';
import { hostingPolicy, unroute } from '../hostings';
import { type OperationDefinition, stackWorkspace, type StepContext } from '../durable';

export const ejectHosting: OperationDefinition = {
  kind: 'eject-hosting',
  onFailure: 'unwind',
  steps: [
    { name: 'look', run: look },
    { name: 'init', run: initializeStack, restartAt: 'look' },
    { name: 'plan', run: plan, restartAt: 'look' },
    { name: 'unroute', run: unroute, undo: reroute },
    { name: 'let-go', run: letGo, undo: takeBack },
    { name: 'clear', run: clear },
  ],
};

async function look(context: StepContext): Promise<void> {
  const { parts, stackId, input } = context;
  const { status } = await getHosting(parts.database.direct, stackId);
  if (status !== 'running')
    throw new EngineError(
      'validation_failed',
      `Only a running hosting can be ejected; this one is ${status}`,
    );
  const stack = await findStack(parts.database.direct, stackId);
  const written = input as unknown as EjectInput;
  if (
    stack?.spec == null ||
    Number(stack.stateSerial) !== written.stateSerial ||
    digestOf(stack.spec) !== written.specDigest
  )
    throw new EngineError(
      'plan_changed',
      'The hosting has changed since its files were written; eject it again',
    );
  await rebuildWorkspace(context);
}

async function plan(context: StepContext): Promise<void> {
  const unseen = await unseenDrift(context);
  if (!unseen.diskLost) await planStack(context, 'apply');
  const found = await differences(context, unseen);
  expectNoDifferences(found, 'apply the stack first (webhoster apply)');
  const hosting = await getHosting(context.parts.database.direct, context.stackId);
  await checkStackPlan(context, hostingPolicy(hosting, context.parts.config, 'apply'));
}

/** @throws {EngineError} plan_changed, naming every difference */
export function expectNoDifferences(found: readonly string[], advice: string): void {
  if (found.length === 0) return;
  throw new EngineError(
    'plan_changed',
    `The hosting differs from its specification: ${found.join('; ')}. Nothing was changed; ${advice}`,
  );
}

/** Nothing is opened again for a hosting that its owner removes meanwhile. */
async function reroute(context: StepContext): Promise<void> {
  await context.write(async (tx) => {
    const { status } = await getHosting(tx, context.stackId);
    if (status === 'running') await openRoute(tx, context.stackId);
  });
  await context.parts.routePublisher.publish();
}

async function letGo(context: StepContext): Promise<void> {
  if (await context.write((tx) => letHostingGo(tx, context.stackId))) return;
  throw new EngineError('plan_changed', 'The hosting is being removed');
}

async function takeBack(context: StepContext): Promise<void> {
  const { config, proxy } = context.parts;
  const limits = {
    sshPorts: [config.SSH_PORT_MIN, config.SSH_PORT_MAX] as const,
    canListen: (port: number) => proxy.canListen(port),
  };
  await context.write((tx) => holdOn(tx, context.stackId, limits));
  await rebuildWorkspace(context);
}

async function clear({ parts, stackId }: StepContext): Promise<void> {
  await removeWorkspace(stackWorkspace(parts.config, stackId));
}
