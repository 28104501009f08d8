/**
 * Takes an ejected hosting back: its VM is looked at and planned before anything is taken, so that a refusal has
 * changed nothing. From `reserve` on it is the user's again; on the way back it is an ejected one, as before.
 */
import { assertAdoptable } from './adoptable';
import type { AdoptInput } from './facts';
import { noteDrift } from '../store/drift';
import { markAdopted, putOut, takeIn } from '../store/ejections';
import { bindToHosting } from '../store/operations';
import { openRoute } from '../store/routes';
import { deleteStack, saveSpec, saveState } from '../store/stacks';
import { removeWorkspace, writeState } from '../machine/terraform/workspace';
import {
  checkStackPlan,
  differences,
  factsInState,
  initializeStack,
  openState,
  planStack,
  unseenDriftFrom,
  writeWorkspace,
} from '../stack';
import { expectNoDifferences } from './eject-hosting';
import { hostingPolicy, unroute, waitForSsh } from '../hostings';
import { type OperationDefinition, stackWorkspace, type StepContext } from '../durable';

export const adoptHosting: OperationDefinition = {
  kind: 'adopt-hosting',
  onFailure: 'unwind',
  steps: [
    { name: 'check', run: check },
    { name: 'workspace', run: workspace, undo: clear },
    { name: 'init', run: initializeStack, restartAt: 'workspace' },
    { name: 'plan', run: plan, restartAt: 'workspace' },
    { name: 'ssh', run: ssh },
    { name: 'reserve', run: reserve, undo: putBack },
    { name: 'keep', run: keep, undo: forget },
    { name: 'route', run: route, undo: unroute },
    { name: 'ready', run: ready },
  ],
};

function inputOf({ input }: StepContext): AdoptInput {
  return input as unknown as AdoptInput;
}

async function check(context: StepContext): Promise<{ userId: number }> {
  return assertAdoptable(context.parts, inputOf(context));
}

async function workspace(context: StepContext): Promise<void> {
  const { parts, stackId } = context;
  const { spec, stateSealed } = inputOf(context);
  const state = openState(parts, stackId, Buffer.from(stateSealed, 'base64'));
  await writeState(stackWorkspace(parts.config, stackId), state);
  await writeWorkspace(context, spec);
}

async function clear({ parts, stackId }: StepContext): Promise<void> {
  await removeWorkspace(stackWorkspace(parts.config, stackId));
}

async function plan(context: StepContext): Promise<void> {
  const { facts, spec } = inputOf(context);
  const unseen = await unseenDriftFrom(context.parts.inventory, spec);
  if (!unseen.diskLost) await planStack(context, 'apply');
  expectNoDifferences(
    await differences(context, unseen),
    'restore it to what hosting.json says, then adopt it again',
  );
  await checkStackPlan(context, hostingPolicy(facts, context.parts.config, 'apply'));
}

/** The page is the user's own by now; SSH is what every guest has. */
function ssh(context: StepContext): Promise<string[]> {
  return waitForSsh(context, inputOf(context).facts.ip);
}

async function reserve(context: StepContext): Promise<{ sshPort: number }> {
  const { config, proxy } = context.parts;
  const { facts } = inputOf(context);
  const { userId } = context.output<{ userId: number }>('check');
  const [first, last] = [config.SSH_PORT_MIN, config.SSH_PORT_MAX];
  const fits = facts.sshPort >= first && facts.sshPort <= last && (await proxy.canListen(facts.sshPort));
  const adoptee = { ...facts, userId, node: config.NODE_NAME, createdAt: new Date(facts.createdAt) };
  const limits = { sshPorts: [first, last] as const, canListen: (port: number) => proxy.canListen(port) };
  const sshPort = await context.write((tx) => takeIn(tx, adoptee, fits ? facts.sshPort : null, limits));
  return { sshPort };
}

async function putBack(context: StepContext): Promise<void> {
  const { facts, spec, stateSerial, stateSealed } = inputOf(context);
  const ejection = { spec, stateSerial, stateSealed: Buffer.from(stateSealed, 'base64') };
  await context.write((tx) => putOut(tx, context.stackId, facts.sshPort, ejection));
}

async function keep(context: StepContext): Promise<void> {
  const { parts, stackId, write } = context;
  const { spec, stateSerial, stateSealed } = inputOf(context);
  const sealed = Buffer.from(stateSealed, 'base64');
  await write(async (tx) => {
    await saveSpec(tx, stackId, spec);
    await saveState(tx, stackId, {
      ...{ serial: stateSerial, sealed, facts: factsInState(parts, stackId, sealed) },
    });
    await noteDrift(tx, stackId, []);
  });
}

async function forget({ stackId, write }: StepContext): Promise<void> {
  await write((tx) => deleteStack(tx, stackId));
}

async function route(context: StepContext): Promise<void> {
  await context.write((tx) => openRoute(tx, context.stackId));
  await context.parts.routePublisher.publish();
}

async function ready(context: StepContext): Promise<void> {
  const { parts, stackId, operationId, write } = context;
  const hostKeys = context.output<string[]>('ssh');
  await write(async (tx) => {
    await markAdopted(tx, stackId, hostKeys, parts.clock.now());
    await bindToHosting(tx, operationId, stackId);
  });
}
