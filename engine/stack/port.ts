/** The stack that an operation works on, as its steps see it. Each call is safe to repeat, and knows which stack it is. */
import type { StackSpec } from '../../stacks';
import type { StackNames } from '../machine/libvirt/inventory';
import type { PlanPolicy } from '../machine/terraform/plan-firewall';
import { removeWorkspace, writeState, stackWorkspace } from '../machine/terraform/workspace';
import type { StateFacts } from '../store/stacks';
import { differences } from './differences';
import { factsInState, openState } from './state';
import type { StackStep } from './step';
import { unseenDrift, type UnseenDrift } from './unseen';
import {
  applyStack,
  checkStackPlan,
  destroyStack,
  forgetStack,
  initializeStack,
  planStack,
  rebuildWorkspace,
  removeUntracked,
  requireWorkspace,
  synthesizeStack,
  writeWorkspace,
} from './work';

export interface StackPort {
  /** Keeps the specification, renders it, and makes the workspace ready for Terraform. */
  synthesize(spec: StackSpec): Promise<void>;
  /** Renders a specification into the workspace, and leaves the database as it is. */
  draft(spec: StackSpec): Promise<void>;
  /** Puts a state that is sealed into the workspace. @throws {EngineError} config_invalid */
  bring(sealedState: Buffer): Promise<void>;
  /** What is kept beside a sealed state. @throws {EngineError} config_invalid */
  factsIn(sealedState: Buffer): StateFacts;
  /**
   * Puts the workspace back on the disk from what the database keeps, and changes nothing there.
   *
   * @returns false when the stack has no specification yet: nothing of it was ever made
   * @throws {EngineError} config_invalid when its state was sealed with another STATE_KEY
   */
  rebuild(): Promise<boolean>;
  /** As `rebuild`, for a stack that was made before. @throws {EngineError} not_found, config_invalid */
  require(): Promise<void>;
  /** Links the provider into the workspace. */
  init(): Promise<void>;
  /** What a plan cannot see, or breaks on. */
  look(): Promise<UnseenDrift>;
  /**
   * Plans into the workspace's plan file.
   *
   * @param replace  addresses to make anew although Terraform sees no difference
   * @returns whether anything would change
   */
  plan(intent: 'apply' | 'destroy', replace?: readonly string[]): Promise<{ changes: boolean }>;
  /** The plan firewall. @throws {EngineError} plan_refused */
  check(policy: PlanPolicy): Promise<void>;
  /** Every difference: what no plan can tell, as `look` has found it, then the plan in the workspace. */
  differences(unseen: UnseenDrift): Promise<string[]>;
  /** Applies the plan that was checked, and nothing else. @param silentMs  where one resource alone takes long */
  apply(silentMs?: number): Promise<void>;
  /**
   * Takes the stack down whatever state it is in.
   *
   * @param before  what must be done before anything is destroyed; it is done while Terraform plans
   */
  destroy(policy: PlanPolicy, names: StackNames, before?: () => Promise<void>): Promise<void>;
  /** Removes what carries the stack's names in libvirt but is not in its state. Call it before planning a creation again. */
  removeUntracked(names: StackNames): Promise<void>;
  /** Takes resources out of the state without touching them. @param addresses  those that are not in it are passed over */
  forgetResources(addresses: readonly string[]): Promise<void>;
  /** Removes the workspace; what the database keeps stays. */
  clear(): Promise<void>;
  /** Removes workspace, specification and state. Call it only when nothing of the stack exists any more. */
  forget(): Promise<void>;
}

/** @param step  its parts must be guarded by the lease */
export function stackPort(step: StackStep): StackPort {
  const { parts, stackId, signal, assertHeld } = step;
  const workspace = stackWorkspace(parts.config, stackId);
  return {
    synthesize: (spec) => synthesizeStack(step, spec),
    draft: (spec) => writeWorkspace(step, spec),
    bring: async (sealedState) => {
      const state = openState(parts, stackId, sealedState);
      assertHeld();
      await writeState(workspace, state);
    },
    factsIn: (sealedState) => factsInState(parts, stackId, sealedState),
    rebuild: () => rebuildWorkspace(step),
    require: () => requireWorkspace(step),
    init: () => initializeStack(step),
    look: () => unseenDrift(step),
    plan: (intent, replace) => planStack(step, intent, replace),
    check: (policy) => checkStackPlan(step, policy),
    differences: (unseen) => differences(step, unseen),
    apply: (silentMs) => applyStack(step, silentMs),
    destroy: (policy, names, before) => destroyStack(step, policy, names, before),
    removeUntracked: (names) => removeUntracked(step, names),
    forgetResources: (addresses) => parts.terraform.forget({ workspace, signal }, addresses),
    clear: () => removeWorkspace(workspace),
    forget: () => forgetStack(step),
  };
}
