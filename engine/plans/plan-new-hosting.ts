/** Shows what making a hosting would do, and makes nothing: no reservation, no resource, no specification, no state. */
import { randomUUID } from 'node:crypto';
import type { HostingSpec } from '../../stacks';
import { EngineError } from '../base/errors';
import { hostingPolicy, hostingSpec, reserve } from '../hostings';
import { getOwnedHosting, type OwnedHosting } from '../store/hostings';
import { findNode } from '../store/stacks';
import { findUser } from '../store/users';
import { removeWorkspace } from '../machine/terraform/workspace';
import { type OperationDefinition, stackWorkspace, type StepContext } from '../durable';
import { checkStackPlan, initializeStack, planStack, writeWorkspace } from '../stack';

type Size = Pick<OwnedHosting, 'memoryMiB' | 'vcpus' | 'diskGiB'>;

export const planHosting: OperationDefinition = {
  kind: 'plan-hosting',
  onFailure: 'unwind',
  steps: [
    { name: 'draft', run: draft, undo: clear },
    { name: 'init', run: initializeStack, restartAt: 'draft' },
    { name: 'plan', run: (context) => planStack(context, 'apply'), restartAt: 'draft' },
    { name: 'check', run: check, restartAt: 'draft' },
    { name: 'clear', run: clear },
  ],
};

async function draft(context: StepContext): Promise<Size> {
  const { row, spec } = await drafted(context);
  await writeWorkspace(context, spec);
  const { memoryMiB, vcpus, diskGiB } = row;
  return { memoryMiB, vcpus, diskGiB };
}

/** Reserves as a create would, and takes it back with the transaction. */
async function drafted({ parts, input }: StepContext): Promise<{ row: OwnedHosting; spec: HostingSpec }> {
  const { userId, sshPublicKey } = input as { userId: number; sshPublicKey: string };
  const user = await findUser(parts.database.direct, userId);
  if (user === null) throw new EngineError('not_found', 'There is no such user');
  const takenBack = new Error('nothing is kept');
  let found: { row: OwnedHosting; spec: HostingSpec } | undefined;
  await parts.database
    .transaction(async (tx) => {
      const wanted = { id: randomUUID(), sshPublicKey, labels: {} };
      await reserve(parts, tx, user, wanted);
      const row = await getOwnedHosting(tx, wanted.id);
      const node = await findNode(tx, row.node);
      if (node === null) throw new EngineError('node_not_ready');
      found = { row, spec: hostingSpec(row, user, node, parts.config) };
      throw takenBack;
    })
    .catch((thrown: unknown) => {
      if (thrown !== takenBack) throw thrown;
    });
  if (found === undefined) throw takenBack;
  return found;
}

async function check(context: StepContext): Promise<void> {
  await checkStackPlan(context, hostingPolicy(context.output<Size>('draft'), context.parts.config, 'apply'));
}

async function clear({ parts, stackId }: StepContext): Promise<void> {
  await removeWorkspace(stackWorkspace(parts.config, stackId));
}
