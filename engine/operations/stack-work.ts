/**
 * What operations do with a stack: synthesize, plan, check, apply, destroy, remove what is left. Each is safe to
 * repeat, records its run, and leaves the state sealed in Postgres.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import path from 'node:path';
import type { StackSpec } from '../../stacks';
import type { Config } from '../config';
import { EngineError, toEngineError } from '../errors';
import type { StackNames } from '../libvirt/inventory';
import { deleteStack, findStack, finishRun, saveSpec, saveState, startRun } from '../store/stacks';
import { checkPlan, type PlanPolicy } from '../terraform/plan-firewall';
import type { TerraformCall, TerraformEvent } from '../terraform/terraform';
import {
  planFile,
  readState,
  removeWorkspace,
  resourceNames,
  writeStack,
  writeState,
} from '../terraform/workspace';
import type { Parts } from '../parts';
import type { StepContext } from './operation';

type WorkspaceContext = Pick<StepContext, 'parts' | 'stackId' | 'signal'>;

export function stackWorkspace(config: Config, stackId: string): string {
  return path.join(config.workspacesDir, stackId);
}

/** Keeps the specification, renders it, and makes the workspace ready for Terraform. */
export async function synthesizeStack(context: StepContext, spec: StackSpec): Promise<void> {
  await context.write((tx) => saveSpec(tx, context.stackId, spec));
  await prepareWorkspace(context, spec);
}

/**
 * Puts the workspace back on the disk from what the database keeps, and changes nothing there. The caller holds the
 * stack's lease.
 *
 * @returns false when the stack has no specification yet: nothing of it was ever made
 * @throws {EngineError} config_invalid when its state was sealed with another STATE_KEY
 */
export async function rebuildWorkspace(context: WorkspaceContext): Promise<boolean> {
  const stack = await findStack(context.parts.database.direct, context.stackId);
  if (!stack?.spec) return false;
  await prepareWorkspace(context, stack.spec);
  return true;
}

/** The workspace is a cache: whatever is missing comes back from the specification and the sealed state. */
async function prepareWorkspace(context: WorkspaceContext, spec: StackSpec): Promise<string> {
  const { parts, stackId, signal } = context;
  const workspace = stackWorkspace(parts.config, stackId);
  const stack = await findStack(parts.database.direct, stackId);
  const local = await readState(workspace);
  if (stack?.stateSealed && Number(stack.stateSerial) > (local?.serial ?? -1)) {
    await writeState(workspace, openState(parts, stackId, stack.stateSealed));
  }
  await writeStack(workspace, await parts.synthesizer.synthesize(spec, signal));
  return workspace;
}

/** Links the provider into the workspace. */
export async function initializeStack(context: WorkspaceContext): Promise<void> {
  await context.parts.terraform.init(call(context));
}

/** Plans into the workspace's plan file. @returns whether anything would change */
export async function planStack(
  context: StepContext,
  intent: 'apply' | 'destroy',
): Promise<{ changes: boolean }> {
  const changes = await recorded(context, 'plan', (run) =>
    context.parts.terraform.plan(run, { planFile, intent }),
  );
  return { changes };
}

/** The plan firewall. @throws {EngineError} plan_refused */
export async function checkStackPlan(context: StepContext, policy: PlanPolicy): Promise<void> {
  checkPlan(await context.parts.terraform.showPlan(call(context), planFile), policy);
}

/** Applies the plan that was checked, and nothing else. */
export async function applyStack(context: StepContext): Promise<void> {
  await recorded(context, 'apply', (run) => context.parts.terraform.apply(run, planFile));
}

/**
 * Takes a stack down whatever state it is in: first by Terraform what its state knows, then directly in libvirt what
 * is left: what a killed apply made and never wrote down, and what Terraform can no longer plan (a volume that was
 * removed by hand fails its refresh). Without a specification nothing was ever made.
 */
export async function destroyStack(
  context: StepContext,
  policy: PlanPolicy,
  names: StackNames,
): Promise<void> {
  const stack = await findStack(context.parts.database.direct, context.stackId);
  if (!stack?.spec) return;
  try {
    await destroyByTerraform(context, stack.spec, policy);
  } catch (thrown) {
    context.signal.throwIfAborted();
    if (names.domain === null || toEngineError(thrown).code === 'lease_lost') throw thrown;
    context.parts.log.warn({ err: thrown }, 'Terraform could not destroy the stack; removing it directly');
  }
  await removeRemains(context, names);
}

async function destroyByTerraform(context: StepContext, spec: StackSpec, policy: PlanPolicy): Promise<void> {
  const workspace = await prepareWorkspace(context, spec);
  if ((await readState(workspace)) === null) return;
  await initializeStack(context);
  const { changes } = await planStack(context, 'destroy');
  if (!changes) return;
  await checkStackPlan(context, policy);
  await recorded(context, 'destroy', (run) => context.parts.terraform.apply(run, planFile));
}

/** Removes what carries the stack's names in libvirt. Call it only when nothing of it is to be kept. */
export function removeRemains(context: StepContext, names: StackNames): Promise<void> {
  return removeByName(context, names, []);
}

/** Removes what carries the stack's names in libvirt but is not in Terraform's state. Call it before planning again. */
export async function removeUntracked(context: StepContext, names: StackNames): Promise<void> {
  const state = await readState(stackWorkspace(context.parts.config, context.stackId));
  await removeByName(context, names, state === null ? [] : resourceNames(state));
}

async function removeByName(
  { parts, report, assertHeld }: StepContext,
  names: StackNames,
  kept: readonly string[],
): Promise<void> {
  const { domain, volumes } = await parts.inventory.find(names);
  if (domain !== null && !kept.includes(domain)) {
    assertHeld();
    report(`removing domain ${domain} left behind`);
    await parts.inventory.removeDomain(domain);
  }
  for (const volume of volumes.filter((name) => !kept.includes(name))) {
    assertHeld();
    report(`removing volume ${volume} left behind`);
    await parts.inventory.removeVolume(names.pool, volume);
  }
}

/** Removes workspace, specification and state. Call it only when nothing of the stack exists any more. */
export async function forgetStack({ parts, stackId, write }: StepContext): Promise<void> {
  await removeWorkspace(stackWorkspace(parts.config, stackId));
  await write((tx) => deleteStack(tx, stackId));
}

function call(context: WorkspaceContext, onEvent?: (event: TerraformEvent) => void): TerraformCall {
  return {
    workspace: stackWorkspace(context.parts.config, context.stackId),
    signal: context.signal,
    onEvent,
  };
}

/** Runs one Terraform verb with its record: log, time, exit; the state goes into Postgres even after a failure. */
async function recorded<T>(
  context: StepContext,
  kind: 'plan' | 'apply' | 'destroy',
  verb: (run: TerraformCall) => Promise<T>,
): Promise<T> {
  const { stackId, operationId } = context;
  const id = randomUUID();
  await context.write((tx) => startRun(tx, { id, stackId, operationId, kind, host: hostname() }));
  const started = performance.now();
  const lines: string[] = [];
  const onEvent = (event: TerraformEvent): void => {
    lines.push(`${event.level} ${event.message}`);
    if (event.type === 'apply_start' || event.type === 'apply_complete')
      context.report(event.message, { address: event.address });
  };
  const finish = async (exitCode: number): Promise<void> => {
    const ms = Math.round(performance.now() - started);
    const state = kind === 'plan' ? null : await readState(stackWorkspace(context.parts.config, stackId));
    await context.write(async (tx) => {
      await finishRun(tx, id, { exitCode, timings: [{ phase: kind, ms }], log: lines.join('\n') });
      if (state !== null)
        await saveState(
          tx,
          stackId,
          state.serial,
          context.parts.secretBox.seal(state.content, stateContext(stackId)),
        );
    });
  };
  try {
    context.assertHeld();
    const result = await verb(call(context, onEvent));
    await finish(0);
    return result;
  } catch (thrown) {
    await finish(1).catch((err: unknown) => {
      context.parts.log.warn({ err, runId: id }, 'run could not be recorded');
    });
    throw thrown;
  }
}

/** Names of what a sealed state knows of. @throws when it was sealed with another key or for another stack */
export function namesInState(parts: Pick<Parts, 'secretBox'>, stackId: string, sealed: Buffer): string[] {
  return resourceNames({ content: parts.secretBox.open(sealed, stateContext(stackId)) });
}

function openState({ secretBox }: Pick<Parts, 'secretBox'>, stackId: string, sealed: Buffer): Buffer {
  try {
    return secretBox.open(sealed, stateContext(stackId));
  } catch (cause) {
    throw new EngineError('config_invalid', 'The Terraform state was sealed with another STATE_KEY', {
      cause,
    });
  }
}

function stateContext(stackId: string): string {
  return `terraform-state ${stackId}`;
}
