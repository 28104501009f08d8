/** Shows what a delete would remove, and removes nothing. */
import { getHosting } from '../store/hostings';
import { hostingPolicy } from '../hostings';
import type { OperationDefinition, StepContext } from '../durable';
import { checkStackPlan, initializeStack, planStack, requireWorkspace } from '../stack';

export const planRemoval: OperationDefinition = {
  kind: 'plan-removal',
  onFailure: 'unwind',
  steps: [
    { name: 'workspace', run: requireWorkspace },
    { name: 'init', run: initializeStack, restartAt: 'workspace' },
    { name: 'plan', run: (context) => planStack(context, 'destroy'), restartAt: 'workspace' },
    { name: 'check', run: check, restartAt: 'workspace' },
  ],
};

async function check(context: StepContext): Promise<void> {
  const { parts, stackId } = context;
  const hosting = await getHosting(parts.database.direct, stackId);
  await checkStackPlan(context, hostingPolicy(hosting, parts.config, 'destroy'));
}
