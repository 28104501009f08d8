/**
 * Makes a VM ahead of its owner: an ordinary stack, applied and booted, that no route leads to and no key opens. It
 * counts only when its guest agent has answered and its first boot is over: by the agent it will be made somebody's.
 * One of the second tier is saved to the disk then, and uses no memory until it is claimed.
 */
import { randomUUID } from 'node:crypto';
import { spareMarker } from '../../machine/guest/cloud-init';
import type { Operation } from '../../model/operation';
import { EngineError, toEngineError } from '../../base/errors';
import { settledScript } from './claim-script';
import { reserve } from '../hostings';
import { accept, type OperationDefinition, type Parts, type StepContext } from '../../durable';
import type { Tx } from '../../store/database';
import { getHosting } from '../../store/hostings';
import { markSpare, type SpareTier } from '../../store/spares';
import { findNode } from '../../store/stacks';
import { spareSpec } from '../facts';
import { check, destroy, plan, releaseFailed } from '../steps';
import { roomToSave, save } from '../power-steps';
import { applyStack, forgetStack, initializeStack, synthesizeStack } from '../../stack';
import { waitForPage } from '../wait-for-guest';
import { waitUntil } from '../../base/wait-until';

export const makeSpare: OperationDefinition = {
  kind: 'make-spare',
  background: true,
  onFailure: 'unwind',
  steps: [
    { name: 'reserve', undo: releaseFailed },
    { name: 'synthesize', run: synthesize, undo: forgetStack },
    { name: 'init', run: initializeStack },
    { name: 'plan', run: plan },
    { name: 'check', run: check },
    { name: 'apply', run: (context) => applyStack(context), undo: destroy, restartAt: 'plan' },
    { name: 'boot', run: boot },
    { name: 'settle', run: settle },
    { name: 'door', run: openDoor },
    { name: 'save', run: saveIfWanted },
    { name: 'ready', run: ready },
  ],
};

interface SpareInput {
  readonly tier: SpareTier;
}

/** Takes name, address and port for one more, and has it made. @throws {EngineError} as a create does */
export async function acceptSpare(parts: Parts, tx: Tx, tier: SpareTier): Promise<Operation> {
  const id = randomUUID();
  await reserve(parts, tx, null, { id, sshPublicKey: '', labels: {} });
  const input: SpareInput = { tier };
  return accept(parts, tx, makeSpare, { stackId: id, hostingId: id, input: { ...input } });
}

function tierOf({ input }: StepContext): SpareTier {
  return (input as unknown as SpareInput).tier;
}

async function synthesize(context: StepContext): Promise<void> {
  const { config, database } = context.parts;
  const hosting = await getHosting(database.direct, context.stackId);
  const node = await findNode(database.direct, hosting.node);
  if (node === null) throw new EngineError('node_not_ready');
  await synthesizeStack(context, spareSpec(hosting, node, config));
}

async function boot(context: StepContext): Promise<void> {
  const { ip, vmName } = await getHosting(context.parts.database.direct, context.stackId);
  await waitForPage(context, ip, spareMarker(vmName));
}

/** The agent may be up later than the page. */
async function settle(context: StepContext): Promise<void> {
  const { parts, signal, stackId } = context;
  const { vmName } = await getHosting(parts.database.direct, stackId);
  const timeoutMs = parts.config.BOOT_TIMEOUT_SECONDS * 1000;
  const onTimeout = (): EngineError =>
    new EngineError(
      'guest_unreachable',
      `The guest agent of ${vmName} did not answer: its image has none, or the VM hangs; WARM_POOL_SIZE=0 turns spares off`,
    );
  const settled = async (): Promise<true | null> => {
    try {
      await parts.agent.run(vmName, settledScript, { signal, timeoutMs });
      return true;
    } catch (thrown) {
      if (toEngineError(thrown).code === 'guest_unreachable') return null;
      throw thrown;
    }
  };
  await waitUntil(settled, { clock: parts.clock, signal, timeoutMs, pollMs: 250, onTimeout });
}

/** Its SSH port is open before it has an owner, and nobody is let in there: a claim need not wait for Nginx. */
async function openDoor({ parts }: StepContext): Promise<void> {
  await parts.routePublisher.publish();
}

async function saveIfWanted(context: StepContext): Promise<void> {
  if (tierOf(context) !== 'saved') return;
  await roomToSave(context);
  await save(context);
}

async function ready(context: StepContext): Promise<void> {
  const { parts, stackId, write } = context;
  await write((tx) => markSpare(tx, stackId, tierOf(context), parts.clock.now()));
}
