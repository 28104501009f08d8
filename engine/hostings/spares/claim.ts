/**
 * Makes a spare its user's: a create that found a machine waiting. Accepting it has given the hosting to the user, so
 * the id, the address and the port that were answered stay, even where the spare fails and is made anew.
 *
 * What the user gets is what a create would have made: the specification is theirs, the cloud-init disk holds their
 * data, and a plan finds no difference.
 */
import type { HostingSpec } from '../../../stacks';
import { toEngineError } from '../../base/errors';
import { allOf } from '../../base/each-of';
import { claimScript, hostKeysIn } from './claim-script';
import { isoName } from '../../machine/libvirt/names';
import { updateHosting } from '../../store/hostings';
import { findStack, saveSpec, type StackRow } from '../../store/stacks';
import {
  boot,
  check,
  destroy,
  hostingOf,
  plan,
  ready,
  releaseFailed,
  routeAtOnce,
  specificationOf,
  unroute,
} from '../steps';
import type { OperationDefinition, StepContext } from '../../durable';
import { putFences, room, setClock, start } from '../power-steps';
import { applyStack, forgetStack, initializeStack, rebuildWorkspace, synthesizeStack } from '../../stack';
import { waitForSsh } from '../wait-for-guest';

export const claimSpare: OperationDefinition = {
  kind: 'claim-spare',
  lane: 'quick',
  onFailure: 'unwind',
  steps: [
    { name: 'reserve', undo: releaseFailed },
    { name: 'claim', undo: remove },
    { name: 'wake', run: wakeIfSaved },
    { name: 'personalize', run: personalize },
    { name: 'discard', run: discard },
    { name: 'remake', run: remake },
    { name: 'open', run: open, undo: unroute },
    { name: 'ready', run: ready },
  ],
};

export interface ClaimInput {
  /** The spare was of the second tier. */
  readonly saved: boolean;
}

/** A guest that has not done it by now is given up: to make another takes no longer. */
const guestMs = 20_000;

interface Personalized {
  /** False when the spare could not be made the user's. */
  readonly warm: boolean;
  /** The host keys that the guest has made for its user. */
  readonly hostKeys: readonly string[];
}

/** Nobody else is ever given what was once somebody's, even for a moment. */
async function remove(context: StepContext): Promise<void> {
  await destroy(context);
  await forgetStack(context);
}

/** One whose memory cannot be read again stays off, does not answer, and is made anew. */
async function wakeIfSaved(context: StepContext): Promise<void> {
  const { inventory, log } = context.parts;
  if (!(context.input as unknown as ClaimInput).saved) return;
  await room(context);
  await putFences(context);
  try {
    await start(context);
  } catch (thrown) {
    context.signal.throwIfAborted();
    const { code } = toEngineError(thrown);
    const { vmName } = await hostingOf(context);
    // libvirt itself may be away, which is waited for
    if (code === 'memory_exhausted' || (await inventory.domainState(vmName)) === 'running') throw thrown;
    log.warn({ err: thrown }, 'saved spare could not be woken');
  }
  await setClock(context);
}

async function personalize(context: StepContext): Promise<Personalized> {
  const { agent, config, inventory, log } = context.parts;
  const { spec: wanted, guest } = await specificationOf(context);
  const spec = asMade(wanted, await findStack(context.parts.database.direct, context.stackId));
  // a worker that was frozen must not write over what the user has made of it since
  context.assertHeld();
  try {
    const [output] = await allOf([
      agent.run(spec.vmName, claimScript(guest, spec.cloudInit), {
        signal: context.signal,
        timeoutMs: guestMs,
      }),
      inventory.rewriteCloudInit(config.POOL_NAME, isoName(spec.hostingId), spec.cloudInit),
      context.write((tx) => saveSpec(tx, spec.hostingId, spec)),
    ]);
    return { warm: true, hostKeys: hostKeysIn(output) };
  } catch (thrown) {
    if (toEngineError(thrown).code !== 'guest_unreachable') throw thrown;
    log.warn({ err: thrown }, 'spare could not be made its user’s');
    context.report('the spare VM did not answer; creating a new VM');
    return { warm: false, hostKeys: [] };
  }
}

/** The machine is there already: what new ones are given by now is not what this one has. */
function asMade({ cloudInit, ...wanted }: HostingSpec, stack: StackRow | null): HostingSpec {
  const made = stack?.spec?.kind === 'hosting' ? stack.spec : wanted;
  return { ...made, cloudInit };
}

function isWarm(context: StepContext): boolean {
  return context.output<Personalized>('personalize').warm;
}

/** A step of its own: what is made next must not find a disk that was half its user's. */
async function discard(context: StepContext): Promise<void> {
  if (!isWarm(context)) await remove(context);
}

/** The way of a create, all in one: taken only where a spare has failed. */
async function remake(context: StepContext): Promise<void> {
  if (isWarm(context)) return;
  await synthesizeStack(context, (await specificationOf(context)).spec);
  await initializeStack(context);
  await plan(context);
  await check(context);
  await applyStack(context);
  await boot(context);
}

/**
 * Page and SSH at the same time, and both must be the user's own. The workspace is rendered beside them, while the guest
 * is waited for.
 */
async function open(context: StepContext): Promise<void> {
  const { hostKeys } = context.output<Personalized>('personalize');
  const { id, ip } = await hostingOf(context);
  const [found] = await allOf([
    waitForSsh(context, ip, hostKeys),
    routeAtOnce(context),
    rebuildWorkspace(context),
  ]);
  await context.write((tx) => updateHosting(tx, id, { sshHostKeys: found }));
}
