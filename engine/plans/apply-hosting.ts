/**
 * Brings what there is of a hosting back to its specification. The user's disk is never touched; where it is gone, the
 * operation says so, and makes an empty one only when it was asked to.
 */
import { z } from 'zod';
import { EngineError } from '../base/errors';
import { vmNameOf } from '../machine/libvirt/names';
import { hostingAt, hostingPolicy, leadToVm, waitForSsh } from '../hostings';
import { oneWay } from '../durable';
import { wakeSteps } from '../sleep';
import { domainAddress, operation, rootVolumeAddress, type StepWith, type UnseenDrift } from '../stack';
import { noteDrift } from '../store/drift';
import { clearTrouble } from '../store/troubles';

const input = z.object({
  /** Makes an empty disk where the user's is gone; without it such an apply is refused. */
  recreateDisk: z.boolean().default(false),
  /** The differences that somebody was shown and agreed to; null applies whatever is found. */
  agreed: z.array(z.string()).readonly().nullable().default(null),
});

const needs = [...wakeSteps.needs, 'nodeCare', 'stack'] as const;
type Context = StepWith<(typeof needs)[number], z.output<typeof input>>;

export const applyHosting = operation({
  kind: 'apply-hosting',
  input,
  needs,
  onFailure: 'unwind',
  onRemoval: 'wait',
})
  // what a plan changes must be up
  .include(oneWay(wakeSteps), { when: canWake })
  .step('wake', { do: leadToLost })
  .step('workspace', { do: ({ stack }) => stack.require() })
  .step('init', { do: ({ stack }) => stack.init(), restartAt: 'workspace' })
  .step('look', { do: look, restartAt: 'workspace' })
  .step('plan', {
    do: ({ stack }, done) => stack.plan('apply', outdated(done.look)),
    restartAt: 'workspace',
  })
  .step('check', { do: (context, done) => check(context, done.look), restartAt: 'workspace' })
  .step('apply', { do: (context, done) => apply(context, done.look), restartAt: 'workspace' })
  .step('ssh', { do: ssh })
  .step('record', { do: record });

async function canWake(context: Context): Promise<boolean> {
  const { status, vmName } = await hostingAt(context);
  if (status !== 'sleeping' || (await context.inventory.domainState(vmName)) === null) return false;
  return !(await context.stack.look()).diskLost;
}

/** Where there was nothing to wake, the apply makes it anew. */
async function leadToLost(context: Context): Promise<void> {
  if ((await hostingAt(context)).status === 'sleeping') await leadToVm(context);
}

async function look({ inventory, stack, stackId, input: asked }: Context): Promise<UnseenDrift> {
  const unseen = await stack.look();
  if (!unseen.diskLost) return unseen;
  if (!asked.recreateDisk) throw new EngineError('disk_lost');
  // a domain without its disk fails every refresh
  await inventory.removeDomain(vmNameOf(stackId));
  await stack.forgetResources([domainAddress, rootVolumeAddress]);
  return unseen;
}

function outdated({ domain, diskLost }: UnseenDrift): string[] {
  return domain !== null && !diskLost ? [domainAddress] : [];
}

async function check(context: Context, unseen: UnseenDrift): Promise<void> {
  const { config, stack } = context;
  await stack.check(hostingPolicy(await hostingAt(context), config, 'apply'));
  const { agreed } = context.input;
  if (agreed === null) return;
  const found = await stack.differences(unseen);
  if (JSON.stringify(found) !== JSON.stringify(agreed)) throw new EngineError('plan_changed');
}

/** What has no definition can be given none of what belongs to one, as to start with the machine. */
async function apply({ nodeCare, stack, stackId }: Context, { isUndefined }: UnseenDrift): Promise<void> {
  if (isUndefined) await nodeCare.defineAgain(vmNameOf(stackId));
  await stack.apply();
}

/** The page is the user's own by now; SSH is what every guest has. */
async function ssh(context: Context): Promise<void> {
  await waitForSsh(context, (await hostingAt(context)).ip);
}

async function record({ stackId, write }: Context): Promise<void> {
  await write(async (tx) => {
    await noteDrift(tx, stackId, []);
    await clearTrouble(tx, stackId);
  });
}
