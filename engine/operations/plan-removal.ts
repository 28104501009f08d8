/** Shows what a delete would remove, and removes nothing. */
import { EngineError } from '../errors';
import { getHosting } from '../store/hostings';
import { hostingPolicy } from './hosting-stack-facts';
import type { OperationDefinition, StepContext } from './operation';
import { checkStackPlan, initializeStack, planStack, rebuildWorkspace } from './stack-work';

export const planRemoval: OperationDefinition = {
  kind: 'plan-removal',
  onFailure: 'unwind',
  steps: [
    { name: 'workspace', run: workspace },
    { name: 'init', run: initializeStack, restartAt: 'workspace' },
    { name: 'plan', run: (context) => planStack(context, 'destroy'), restartAt: 'workspace' },
    { name: 'check', run: check, restartAt: 'workspace' },
  ],
};

async function workspace(context: StepContext): Promise<void> {
  if (!(await rebuildWorkspace(context)))
    throw new EngineError('not_found', 'Nothing was ever made of this stack');
}

async function check(context: StepContext): Promise<void> {
  const { parts, stackId } = context;
  const hosting = await getHosting(parts.database.direct, stackId);
  await checkStackPlan(context, hostingPolicy(hosting, parts.config, 'destroy'));
}
