/**
 * What operations do with a stack: synthesize, plan, check, apply, destroy, remove what is left. Each is safe to
 * repeat.
 */
import { synthesizerPath, type StackSpec } from '../../stacks';
import { allOf } from '../base/each-of';
import { EngineError, toEngineError } from '../base/errors';
import type { StackNames } from '../machine/libvirt/inventory';
import { findHosting } from '../store/hostings';
import { deleteStack, findStack, saveSpec, type StackRow } from '../store/stacks';
import { judgeState, markOf, type StateMark } from '../machine/terraform/judge-state';
import { checkPlan, type PlanPolicy } from '../machine/terraform/plan-firewall';
import { maskedPlan, plannedChanges } from '../machine/terraform/plan-view';
import { clean } from '../machine/terraform/run-record';
import {
  keepStateAside,
  planFile,
  readPlan,
  readState,
  readStateFile,
  removeWorkspace,
  resourceNames,
  writePlan,
  writeProject,
  writeStack,
  writeState,
  stackWorkspace,
} from '../machine/terraform/workspace';
import { recordedRun } from './recorded-run';
import { openState } from './state';
import type { StackStep } from './step';

type WorkspaceContext = Pick<StackStep, 'parts' | 'stackId' | 'signal' | 'assertHeld'> &
  Partial<Pick<StackStep, 'report'>>;

/** Keeps the specification, renders it, and makes the workspace ready for Terraform. */
export async function synthesizeStack(context: StackStep, spec: StackSpec): Promise<void> {
  await context.write((tx) => saveSpec(tx, context.stackId, spec));
  await rebuildWorkspace(context);
}

/**
 * Puts the workspace back on the disk from what the database keeps, and changes nothing there. The caller holds the
 * stack's lease.
 *
 * @returns false when the stack has no specification yet: nothing of it was ever made
 * @throws {EngineError} config_invalid when its state was sealed with another STATE_KEY
 */
export async function rebuildWorkspace(context: WorkspaceContext): Promise<boolean> {
  const { direct } = context.parts.database;
  const stack = await findStack(direct, context.stackId);
  if (!stack?.spec) return false;
  // one that sleeps is off, and is meant to be
  const asleep = (await findHosting(direct, context.stackId))?.status === 'sleeping';
  const { spec } = stack;
  await prepareWorkspace(context, spec.kind === 'hosting' && asleep ? { ...spec, asleep } : spec, stack);
  return true;
}

/** The first step of whatever works on a stack that was made before. @throws {EngineError} not_found, config_invalid */
export async function requireWorkspace(context: WorkspaceContext): Promise<void> {
  if (!(await rebuildWorkspace(context))) throw new EngineError('not_found', 'This stack was never created');
}

/** The workspace is a cache: whatever is missing comes back from the specification and the sealed state. */
async function prepareWorkspace(
  context: WorkspaceContext,
  spec: StackSpec,
  stack: Pick<StackRow, 'stateSerial' | 'stateSealed' | 'stateMark'>,
): Promise<string> {
  const { parts, stackId } = context;
  const workspace = stackWorkspace(parts.config, stackId);
  const { stateSealed: sealed, stateSerial: serial, stateMark: mark } = stack;
  if (sealed !== null) await settleState(context, workspace, { sealed, serial: Number(serial), mark });
  else await requireReadable(workspace);
  await writeWorkspace(context, spec);
  return workspace;
}

/** What is on the disk counts only as far as Terraform wrote it, and where it is newer than the sealed copy. */
async function settleState(
  { parts, stackId, assertHeld, report }: WorkspaceContext,
  workspace: string,
  copy: { readonly sealed: Buffer; readonly serial: number; readonly mark: StateMark | null },
): Promise<void> {
  const local = await readStateFile(workspace);
  const verdict = local === null ? 'good' : judgeState(local, copy.mark);
  if (local !== null && verdict === 'good' && serialOf(local) >= copy.serial) return;
  assertHeld();
  if (verdict !== 'good') {
    const name = await keepStateAside(workspace, parts.clock.now());
    const what = verdict === 'unreadable' ? 'could not be read' : 'was changed by hand';
    report?.(`the Terraform state ${what}: the sealed copy replaces it; it is kept as ${name}`);
    parts.log.warn({ stackId, name, verdict }, 'Terraform state on the disk is not what was sealed');
  }
  await writeState(workspace, openState(parts, stackId, copy.sealed));
}

function serialOf(state: Buffer): number {
  return markOf(state)?.serial ?? -1;
}

/** Before its first run has ended there is no copy. */
async function requireReadable(workspace: string): Promise<void> {
  const local = await readStateFile(workspace);
  if (local === null || markOf(local) !== null) return;
  throw new EngineError(
    'plan_failed',
    'The Terraform state of this hosting cannot be read, and there is no copy of it yet; delete the hosting, which removes its resources by name',
  );
}

/** Renders a specification into the workspace, and leaves the database as it is. */
export async function writeWorkspace(
  { parts, stackId, signal, assertHeld }: WorkspaceContext,
  spec: StackSpec,
): Promise<void> {
  const workspace = stackWorkspace(parts.config, stackId);
  const rendered = await parts.synthesizer.synthesize(spec, signal);
  // a worker that was frozen meanwhile must not bring back a workspace that another one has removed
  assertHeld();
  await writeStack(workspace, rendered);
  await writeProject(workspace, spec, synthesizerPath);
}

/** Links the provider into the workspace. */
export async function initializeStack(context: WorkspaceContext): Promise<void> {
  await context.parts.terraform.init({
    workspace: stackWorkspace(context.parts.config, context.stackId),
    signal: context.signal,
  });
}

/**
 * Plans into the workspace's plan file.
 *
 * @param replace  addresses to make anew although Terraform sees no difference
 * @returns whether anything would change
 */
export async function planStack(
  context: StackStep,
  intent: 'apply' | 'destroy',
  replace: readonly string[] = [],
): Promise<{ changes: boolean }> {
  const { terraform } = context.parts;
  return recordedRun(context, 'plan', async (run) => {
    const changes = await terraform.plan(run, { planFile, intent, replace });
    const [plan, planText] = await Promise.all([
      terraform.showPlan(run, planFile),
      terraform.showPlanText(run, planFile),
    ]);
    await writePlan(run.workspace, plan);
    return {
      result: { changes },
      plan: { plan: maskedPlan(plan), planText: clean(planText), changes: plannedChanges(plan) },
    };
  });
}

/** The plan firewall. @throws {EngineError} plan_refused */
export async function checkStackPlan(context: StackStep, policy: PlanPolicy): Promise<void> {
  checkPlan(await readPlan(stackWorkspace(context.parts.config, context.stackId)), policy);
}

/**
 * Applies the plan that was checked, and nothing else.
 *
 * @param silentMs  for a stack of which one resource alone takes long
 */
export async function applyStack(context: StackStep, silentMs?: number): Promise<void> {
  await applyAs(context, 'apply', silentMs);
}

function applyAs(context: StackStep, kind: 'apply' | 'destroy', silentMs?: number): Promise<void> {
  return recordedRun(context, kind, async (run) => ({
    result: await context.parts.terraform.apply({ ...run, silentMs }, planFile),
  }));
}

/**
 * Takes a stack down whatever state it is in: first by Terraform what its state knows, then directly in libvirt what
 * is left: what a killed apply made and never wrote down, and what Terraform can no longer plan (a volume that was
 * removed by hand fails its refresh). Without a specification nothing was ever made.
 *
 * @param before  what must be done before anything is destroyed; it is done while Terraform plans
 */
export async function destroyStack(
  context: StackStep,
  policy: PlanPolicy,
  names: StackNames,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const stack = await findStack(context.parts.database.direct, context.stackId);
  if (!stack?.spec) return before();
  const { spec } = stack;
  const byTerraform = async <T>(work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (thrown) {
      context.signal.throwIfAborted();
      if (names.domain === null || toEngineError(thrown).code === 'lease_lost') throw thrown;
      context.parts.log.warn({ err: thrown }, 'Terraform could not destroy the stack; removing it directly');
      return null;
    }
  };
  const [planned] = await allOf([
    byTerraform(async () => {
      await prepareWorkspace(context, spec, stack);
      return planRemoval(context, policy);
    }),
    before(),
  ]);
  if (planned === true) await byTerraform(() => applyAs(context, 'destroy'));
  await removeRemains(context, names);
}

/** @returns whether there is anything to destroy */
async function planRemoval(context: StackStep, policy: PlanPolicy): Promise<boolean> {
  if ((await readState(stackWorkspace(context.parts.config, context.stackId))) === null) return false;
  await initializeStack(context);
  const { changes } = await planStack(context, 'destroy');
  if (changes) await checkStackPlan(context, policy);
  return changes;
}

/** Removes what carries the stack's names in libvirt. Call it only when nothing of it is to be kept. */
export function removeRemains(context: StackStep, names: StackNames): Promise<void> {
  return removeByName(context, names, []);
}

/**
 * Removes what carries the stack's names in libvirt but is not in Terraform's state. A domain that is not there may
 * have run for a while, and was cut off in its first boot: its disks are made anew, too. Call it before planning a
 * creation again.
 */
export async function removeUntracked(context: StackStep, names: StackNames): Promise<void> {
  const state = await readState(stackWorkspace(context.parts.config, context.stackId));
  const known = state === null ? [] : resourceNames(state);
  const finished = names.domain === null || known.includes(names.domain);
  await removeByName(context, names, finished ? known : []);
}

async function removeByName(
  { parts, report }: StackStep,
  names: StackNames,
  kept: readonly string[],
): Promise<void> {
  const { domain, volumes } = await parts.inventory.find(names);
  if (domain !== null && !kept.includes(domain)) {
    report(`removing leftover domain ${domain}`);
    await parts.inventory.removeDomain(domain);
  }
  for (const volume of volumes.filter((name) => !kept.includes(name))) {
    report(`removing leftover volume ${volume}`);
    await parts.inventory.removeVolume(names.pool, volume);
  }
}

/** Removes workspace, specification and state. Call it only when nothing of the stack exists any more. */
export async function forgetStack({ parts, stackId, write }: StackStep): Promise<void> {
  await removeWorkspace(stackWorkspace(parts.config, stackId));
  await write((tx) => deleteStack(tx, stackId));
}
