/**
 * Makes a VM ahead of its owner: an ordinary stack, applied and booted, that no route leads to and no key opens. It
 * counts only when its guest agent has answered and its first boot is over: by the agent it will be made somebody's.
 * One of the second tier is saved to the disk then, and uses no memory until it is claimed.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { spareMarker } from '../../machine/guest/cloud-init';
import type { Operation } from '../../model/operation';
import { EngineError, toEngineError } from '../../base/errors';
import { waitUntil } from '../../base/wait-until';
import { accept, type Parts } from '../../durable';
import { operation, type StepWith } from '../../stack';
import type { Tx } from '../../store/database';
import { markSpare, type SpareTier } from '../../store/spares';
import { findNode } from '../../store/stacks';
import { spareSpec } from '../facts';
import { reserve } from '../hostings';
import { hostingAt, roomToSave, save } from '../power-steps';
import { applySteps, releaseFailed } from '../steps';
import { waitForPage } from '../wait-for-guest';
import { settledScript } from './claim-script';

const input = z.object({ tier: z.enum(['running', 'saved'] satisfies SpareTier[]).default('running') });
const needs = [
  'agent',
  'clock',
  'config',
  'database',
  'guest',
  'inventory',
  'nodeCare',
  'routePublisher',
  'stack',
] as const;
type Context = StepWith<(typeof needs)[number], z.output<typeof input>>;

export const makeSpare = operation({
  kind: 'make-spare',
  input,
  needs,
  onFailure: 'unwind',
  onRemoval: 'cancel',
  background: true,
})
  .step('reserve', { undo: releaseFailed })
  .step('synthesize', { do: synthesize, undo: ({ stack }) => stack.forget() })
  .include(applySteps)
  .step('boot', { do: boot })
  .step('settle', { do: settle })
  // its SSH port is open before it has an owner, and nobody is let in there: a claim need not wait for Nginx
  .step('door', { do: ({ routePublisher }) => routePublisher.publish() })
  .step('save', { do: saveIfWanted })
  .step('ready', { do: ready });

/** Takes name, address and port for one more, and has it made. @throws {EngineError} as a create does */
export async function acceptSpare(
  parts: Pick<Parts, 'config' | 'proxy' | 'queue'>,
  tx: Tx,
  tier: SpareTier,
): Promise<Operation> {
  const id = randomUUID();
  await reserve(parts, tx, null, { id, sshPublicKey: '', labels: {} });
  return accept(parts, tx, makeSpare, { stackId: id, hostingId: id, input: { tier } });
}

async function synthesize(context: Context): Promise<void> {
  const { config, database, stack } = context;
  const hosting = await hostingAt(context);
  const node = await findNode(database.direct, hosting.node);
  if (node === null) throw new EngineError('node_not_ready');
  await stack.synthesize(spareSpec(hosting, node, config));
}

async function boot(context: Context): Promise<void> {
  const { ip, vmName } = await hostingAt(context);
  await waitForPage(context, ip, spareMarker(vmName));
}

/** The agent may be up later than the page. */
async function settle(context: Context): Promise<void> {
  const { agent, clock, config, signal } = context;
  const { vmName } = await hostingAt(context);
  const timeoutMs = config.BOOT_TIMEOUT_SECONDS * 1000;
  const onTimeout = (): EngineError =>
    new EngineError(
      'guest_unreachable',
      `The guest agent of ${vmName} did not answer: its image has none, or the VM hangs; WARM_POOL_SIZE=0 turns spares off`,
    );
  const settled = async (): Promise<true | null> => {
    try {
      await agent.run(vmName, settledScript, { signal, timeoutMs });
      return true;
    } catch (thrown) {
      if (toEngineError(thrown).code === 'guest_unreachable') return null;
      throw thrown;
    }
  };
  await waitUntil(settled, { clock, signal, timeoutMs, pollMs: 250, onTimeout });
}

async function saveIfWanted(context: Context): Promise<void> {
  if (context.input.tier !== 'saved') return;
  await roomToSave(context);
  await save(context);
}

async function ready({ clock, input: { tier }, stackId, write }: Context): Promise<void> {
  await write((tx) => markSpare(tx, stackId, tier, clock.now()));
}
