/**
 * Takes an ejected hosting back: its VM is looked at and planned before anything is taken, so that a refusal has
 * changed nothing. From `reserve` on it is the user's again; on the way back it is an ejected one, as before.
 */
import type { z } from 'zod';
import { hostingPolicy, unroute, waitForSsh } from '../hostings';
import { operation, type StepWith, unseenDriftFrom } from '../stack';
import { noteDrift } from '../store/drift';
import { markAdopted, putOut, takeIn } from '../store/ejections';
import { bindToHosting } from '../store/operations';
import { openRoute } from '../store/routes';
import { deleteStack, saveSpec, saveState } from '../store/stacks';
import { assertAdoptable } from './adoptable';
import { expectNoDifferences } from './eject-hosting';
import { adoptInput } from './facts';

const needs = [
  'clock',
  'config',
  'database',
  'guest',
  'inventory',
  'proxy',
  'routePublisher',
  'stack',
] as const;
type Context = StepWith<(typeof needs)[number], z.output<typeof adoptInput>>;

export const adoptHosting = operation({
  kind: 'adopt-hosting',
  input: adoptInput,
  needs,
  onFailure: 'unwind',
  // on its way back an adoption needs what a removal would forget
  onRemoval: 'refuse',
})
  .step('check', { do: (context) => assertAdoptable(context, context.input) })
  .step('workspace', { do: workspace, undo: ({ stack }) => stack.clear() })
  .step('init', { do: ({ stack }) => stack.init(), restartAt: 'workspace' })
  .step('plan', { do: plan, restartAt: 'workspace' })
  // the page is the user's own by now; SSH is what every guest has
  .step('ssh', { do: (context) => waitForSsh(context, context.input.facts.ip) })
  .step('reserve', { do: (context, done) => reserve(context, done.check), undo: putBack })
  .step('keep', { do: keep, undo: ({ stackId, write }) => write((tx) => deleteStack(tx, stackId)) })
  .step('route', { do: route, undo: unroute })
  .step('ready', { do: (context, done) => ready(context, done.ssh) });

function sealedIn({ stateSealed }: Context['input']): Buffer {
  return Buffer.from(stateSealed, 'base64');
}

async function workspace({ input, stack }: Context): Promise<void> {
  await stack.bring(sealedIn(input));
  await stack.draft(input.spec);
}

async function plan({ config, input: { facts, spec }, inventory, stack }: Context): Promise<void> {
  const unseen = await unseenDriftFrom(inventory, spec);
  if (!unseen.diskLost) await stack.plan('apply');
  expectNoDifferences(
    await stack.differences(unseen),
    'restore it to what hosting.json says, then adopt it again',
  );
  await stack.check(hostingPolicy(facts, config, 'apply'));
}

async function reserve(
  { config, input: { facts }, proxy, write }: Context,
  { userId }: { readonly userId: number },
): Promise<{ sshPort: number }> {
  const [first, last] = [config.SSH_PORT_MIN, config.SSH_PORT_MAX];
  const fits = facts.sshPort >= first && facts.sshPort <= last && (await proxy.canListen(facts.sshPort));
  const adoptee = { ...facts, userId, node: config.NODE_NAME, createdAt: new Date(facts.createdAt) };
  const limits = { sshPorts: [first, last] as const, canListen: (port: number) => proxy.canListen(port) };
  const sshPort = await write((tx) => takeIn(tx, adoptee, fits ? facts.sshPort : null, limits));
  return { sshPort };
}

async function putBack({ input, stackId, write }: Context): Promise<void> {
  const { facts, spec, stateSerial } = input;
  await write((tx) =>
    putOut(tx, stackId, facts.sshPort, { spec, stateSerial, stateSealed: sealedIn(input) }),
  );
}

async function keep({ input, stack, stackId, write }: Context): Promise<void> {
  const sealed = sealedIn(input);
  const facts = stack.factsIn(sealed);
  await write(async (tx) => {
    await saveSpec(tx, stackId, input.spec);
    await saveState(tx, stackId, { serial: input.stateSerial, sealed, facts });
    await noteDrift(tx, stackId, []);
  });
}

async function route({ routePublisher, stackId, write }: Context): Promise<void> {
  await write((tx) => openRoute(tx, stackId));
  await routePublisher.publish();
}

async function ready({ clock, operationId, stackId, write }: Context, hostKeys: string[]): Promise<void> {
  await write(async (tx) => {
    await markAdopted(tx, stackId, hostKeys, clock.now());
    await bindToHosting(tx, operationId, stackId);
  });
}
