/**
 * Looks at what an apply would change, and changes nothing: no resource, no specification, no state. What comes out
 * is the output of the last step.
 */
import { EngineError } from '../errors';
import { plannedChanges } from '../terraform/plan-view';
import { readPlan } from '../terraform/workspace';
import type { OperationDefinition, StepContext } from './operation';
import { initializeStack, planStack, rebuildWorkspace } from './stack-work';
import { stackWorkspace } from './stack-workspace';

export interface Drift {
  /** Whether an apply would change anything. */
  readonly changes: boolean;
  /** What it would do to which resource, e.g. `libvirt_domain.vm: update`. */
  readonly differences: readonly string[];
}

export const checkDrift: OperationDefinition = {
  kind: 'check-drift',
  onFailure: 'unwind',
  steps: [
    { name: 'workspace', run: workspace },
    // another machine may go on, and has no workspace of this stack
    { name: 'init', run: initializeStack, restartAt: 'workspace' },
    { name: 'plan', run: (context) => planStack(context, 'apply'), restartAt: 'workspace' },
    { name: 'record', run: record, restartAt: 'workspace' },
  ],
};

async function workspace(context: StepContext): Promise<void> {
  if (!(await rebuildWorkspace(context)))
    throw new EngineError('not_found', 'Nothing was ever made of this stack');
}

async function record(context: StepContext): Promise<Drift> {
  const { changes } = context.output<{ changes: boolean }>('plan');
  const planned = plannedChanges(await readPlan(stackWorkspace(context.parts.config, context.stackId)));
  return { changes, differences: planned.map(({ address, action }) => `${address}: ${action}`) };
}
