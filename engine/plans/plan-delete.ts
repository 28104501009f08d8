/** Shows what a delete would remove, and removes nothing. */
import { z } from 'zod';
import { hostingPolicy } from '../hostings';
import { operation, type StepWith } from '../stack';
import { getHosting } from '../store/hostings';

export const planDelete = operation({
  kind: 'plan-delete',
  input: z.object({}),
  needs: ['config', 'database', 'stack'],
  onFailure: 'unwind',
  onRemoval: 'wait',
})
  .step('workspace', { do: ({ stack }) => stack.require() })
  .step('init', { do: ({ stack }) => stack.init(), restartAt: 'workspace' })
  .step('plan', { do: ({ stack }) => stack.plan('destroy'), restartAt: 'workspace' })
  .step('check', { do: check, restartAt: 'workspace' });

async function check({
  config,
  database,
  stack,
  stackId,
}: StepWith<'config' | 'database' | 'stack'>): Promise<void> {
  await stack.check(hostingPolicy(await getHosting(database.direct, stackId), config, 'destroy'));
}
