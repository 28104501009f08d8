/**
 * Brings what there is of a hosting back to its specification. The user's disk is never touched; where it is gone, the
 * operation says so, and makes an empty one only when it was asked to.
 */
import type { ApplyInput } from '../model/plan';
import { EngineError } from '../base/errors';
import { vmNameOf } from '../machine/libvirt/names';
import { hostingAt, hostingPolicy, leadToVm, waitForSsh } from '../hostings';
import { getHosting } from '../store/hostings';
import { clearTrouble } from '../store/troubles';
import { noteDrift } from '../store/drift';
import {
  applyStack as applyPlan,
  checkStackPlan,
  differences,
  domainAddress,
  initializeStack,
  planStack,
  requireWorkspace,
  rootVolumeAddress,
  unseenDrift,
  type UnseenDrift,
} from '../stack';
import { type OperationDefinition, stackWorkspace, type StepContext } from '../durable';
import { wake } from '../sleep';

export const applyStack: OperationDefinition = {
  kind: 'apply-stack',
  onFailure: 'unwind',
  steps: [
    { name: 'wake', run: wakeFirst },
    { name: 'workspace', run: requireWorkspace },
    { name: 'init', run: initializeStack, restartAt: 'workspace' },
    { name: 'look', run: look, restartAt: 'workspace' },
    { name: 'plan', run: plan, restartAt: 'workspace' },
    { name: 'check', run: check, restartAt: 'workspace' },
    { name: 'apply', run: apply, restartAt: 'workspace' },
    { name: 'ssh', run: ssh },
    { name: 'record', run: record },
  ],
};

/** What a plan changes must be up. Where there is nothing to wake, the apply makes it anew. */
async function wakeFirst(context: StepContext): Promise<void> {
  const { status, vmName } = await hostingAt(context);
  if (status !== 'sleeping') return;
  const isGone = (await context.parts.inventory.domainState(vmName)) === null;
  await (isGone || (await unseenDrift(context)).diskLost ? leadToVm(context) : wake(context));
}

async function look(context: StepContext): Promise<UnseenDrift> {
  const { parts, stackId, input, signal, assertHeld } = context;
  const unseen = await unseenDrift(context);
  if (!unseen.diskLost) return unseen;
  if (input.recreateDisk !== true) throw new EngineError('disk_lost');
  assertHeld();
  // a domain without its disk fails every refresh
  await parts.inventory.removeDomain(vmNameOf(stackId));
  const call = { workspace: stackWorkspace(parts.config, stackId), signal };
  await parts.terraform.forget(call, [domainAddress, rootVolumeAddress]);
  return unseen;
}

async function plan(context: StepContext): Promise<{ changes: boolean }> {
  const { domain, diskLost } = context.output<UnseenDrift>('look');
  return planStack(context, 'apply', domain !== null && !diskLost ? [domainAddress] : []);
}

async function check(context: StepContext): Promise<void> {
  const { parts, stackId, input } = context;
  const hosting = await getHosting(parts.database.direct, stackId);
  await checkStackPlan(context, hostingPolicy(hosting, parts.config, 'apply'));
  const { agreed } = input as unknown as ApplyInput;
  if (agreed === null) return;
  const found = await differences(context, context.output<UnseenDrift>('look'));
  if (JSON.stringify(found) !== JSON.stringify(agreed)) throw new EngineError('plan_changed');
}

/** What has no definition can be given none of what belongs to one, as to start with the machine. */
async function apply(context: StepContext): Promise<void> {
  const { parts, stackId, assertHeld } = context;
  if (context.output<UnseenDrift>('look').isUndefined) {
    assertHeld();
    await parts.nodeCare.defineAgain(vmNameOf(stackId));
  }
  await applyPlan(context);
}

/** The page is the user's own by now; SSH is what every guest has. */
async function ssh(context: StepContext): Promise<void> {
  await waitForSsh(context, (await getHosting(context.parts.database.direct, context.stackId)).ip);
}

async function record(context: StepContext): Promise<void> {
  await context.write(async (tx) => {
    await noteDrift(tx, context.stackId, []);
    await clearTrouble(tx, context.stackId);
  });
}
