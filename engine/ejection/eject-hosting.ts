/**
 * Lets a hosting go: its VM lives on, and is not the service's any more. What somebody goes on with by hand was written
 * before this was accepted; that it still is what there is, and that Terraform finds nothing to change, is looked at
 * here, before anything is given up.
 */
import { z } from 'zod';
import { EngineError } from '../base/errors';
import { hostingAt, hostingPolicy, unroute } from '../hostings';
import { operation, type StepWith } from '../stack';
import { holdOn, letGo as letHostingGo } from '../store/ejections';
import { getHosting } from '../store/hostings';
import { openRoute } from '../store/routes';
import { findStack } from '../store/stacks';
import { digestOf } from './digest';

/** The hosting must still be what was written. */
const input = z.object({ stateSerial: z.int(), specDigest: z.string() });
type Context = StepWith<'config' | 'database' | 'proxy' | 'routePublisher' | 'stack', z.output<typeof input>>;

export const ejectHosting = operation({
  kind: 'eject-hosting',
  input,
  needs: ['config', 'database', 'proxy', 'routePublisher', 'stack'],
  onFailure: 'unwind',
  onRemoval: 'wait',
})
  .step('look', { do: look })
  .step('init', { do: ({ stack }) => stack.init(), restartAt: 'look' })
  .step('plan', { do: plan, restartAt: 'look' })
  .step('unroute', { do: unroute, undo: reroute })
  .step('let-go', { do: letGo, undo: takeBack })
  .step('clear', { do: ({ stack }) => stack.clear() });

async function look(context: Context): Promise<void> {
  const { database, input: written, stack, stackId } = context;
  const { status } = await hostingAt(context);
  if (status !== 'running')
    throw new EngineError(
      'validation_failed',
      `Only a running hosting can be ejected; this one is ${status}`,
    );
  const row = await findStack(database.direct, stackId);
  if (
    row?.spec == null ||
    Number(row.stateSerial) !== written.stateSerial ||
    digestOf(row.spec) !== written.specDigest
  )
    throw new EngineError(
      'plan_changed',
      'The hosting has changed since its files were written; eject it again',
    );
  await stack.rebuild();
}

async function plan(context: Context): Promise<void> {
  const { config, stack } = context;
  const unseen = await stack.look();
  if (!unseen.diskLost) await stack.plan('apply');
  expectNoDifferences(await stack.differences(unseen), 'apply the stack first (webhoster apply)');
  await stack.check(hostingPolicy(await hostingAt(context), config, 'apply'));
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
async function reroute({ routePublisher, stackId, write }: Context): Promise<void> {
  await write(async (tx) => {
    const { status } = await getHosting(tx, stackId);
    if (status === 'running') await openRoute(tx, stackId);
  });
  await routePublisher.publish();
}

async function letGo({ stackId, write }: Context): Promise<void> {
  if (await write((tx) => letHostingGo(tx, stackId))) return;
  throw new EngineError('plan_changed', 'The hosting is being removed');
}

async function takeBack({ config, proxy, stack, stackId, write }: Context): Promise<void> {
  const limits = {
    sshPorts: [config.SSH_PORT_MIN, config.SSH_PORT_MAX] as const,
    canListen: (port: number) => proxy.canListen(port),
  };
  await write((tx) => holdOn(tx, stackId, limits));
  await stack.rebuild();
}
