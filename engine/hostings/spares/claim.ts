/**
 * Makes a spare its user's: a create that found a machine waiting. Accepting it has given the hosting to the user, so
 * the id, the address and the port that were answered stay, even where the spare fails and is made anew.
 *
 * What the user gets is what a create would have made: the specification is theirs, the cloud-init disk holds their
 * data, and a plan finds no difference.
 */
import { z } from 'zod';
import type { HostingSpec } from '../../../stacks';
import { toEngineError } from '../../base/errors';
import { allOf } from '../../base/each-of';
import { isoName } from '../../machine/libvirt/names';
import { operation, steps, type StepWith } from '../../stack';
import { updateHosting } from '../../store/hostings';
import { findStack, saveSpec, type StackRow } from '../../store/stacks';
import { putFences, room, setClock, start } from '../power-steps';
import {
  boot,
  check,
  destroy,
  hostingOf,
  planAfresh,
  ready,
  releaseFailed,
  routeAtOnce,
  specificationOf,
  synthesize,
  unroute,
} from '../steps';
import { waitForSsh } from '../wait-for-guest';
import { claimScript, hostKeysIn } from './claim-script';

/** The spare was of the second tier. */
const input = z.object({ saved: z.boolean().default(false) });
const needs = [
  'agent',
  'clock',
  'config',
  'database',
  'guest',
  'inventory',
  'isolation',
  'nodeCare',
  'proxy',
  'routePublisher',
  'stack',
] as const;
type Context = StepWith<(typeof needs)[number], z.output<typeof input>>;

/** The way of a create, taken only where a spare has failed. What it makes, the undo of `claim` takes away. */
const remake = steps({ input: z.object({}), needs })
  .step('synthesize', { do: synthesize })
  .step('init', { do: ({ stack }) => stack.init() })
  // an earlier version did all of this in one step: what that one left is not known here
  .step('plan', { do: planAfresh })
  .step('check', { do: check })
  .step('apply', { do: ({ stack }) => stack.apply(), restartAt: 'plan' })
  .step('boot', { do: boot });

export const claimSpare = operation({
  kind: 'claim-spare',
  input,
  needs,
  onFailure: 'unwind',
  onRemoval: 'cancel',
  lane: 'quick',
})
  .step('reserve', { undo: releaseFailed })
  .step('claim', { undo: remove })
  .step('wake', { do: wakeIfSaved })
  .step('personalize', { do: personalize })
  // a step of its own: what is made next must not find a disk that was half its user's
  .step('discard', { do: async (context, done) => (done.personalize.warm ? undefined : remove(context)) })
  .include(remake, { when: (_, { personalize: { warm } }) => Promise.resolve(!warm) })
  .step('open', { do: (context, done) => open(context, done.personalize), undo: unroute })
  .step('ready', { do: ready });

/** A guest that has not done it by now is given up: to make another takes no longer. */
const guestMs = 20_000;

interface Personalized {
  /** False when the spare could not be made the user's. */
  readonly warm: boolean;
  /** The host keys that the guest has made for its user. */
  readonly hostKeys: readonly string[];
}

/** Nobody else is ever given what was once somebody's, even for a moment. */
async function remove(context: Context): Promise<void> {
  await destroy(context);
  await context.stack.forget();
}

/** One whose memory cannot be read again stays off, does not answer, and is made anew. */
async function wakeIfSaved(context: Context): Promise<void> {
  const { inventory, log } = context;
  if (!context.input.saved) return;
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

/** A worker that was frozen must not write over what the user has made of it since: each of the three is guarded. */
async function personalize(context: Context): Promise<Personalized> {
  const { agent, config, database, inventory, log, stackId } = context;
  const { spec: wanted, guest } = await specificationOf(context);
  const spec = asMade(wanted, await findStack(database.direct, stackId));
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

/**
 * Page and SSH at the same time, and both must be the user's own. The workspace is rendered beside them, while the guest
 * is waited for.
 */
async function open(context: Context, { hostKeys }: Personalized): Promise<void> {
  const { id, ip } = await hostingOf(context);
  const [found] = await allOf([
    waitForSsh(context, ip, hostKeys),
    routeAtOnce(context),
    context.stack.rebuild(),
  ]);
  await context.write((tx) => updateHosting(tx, id, { sshHostKeys: found }));
}
