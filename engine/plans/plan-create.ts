/** Shows what making a hosting would do, and makes nothing: no reservation, no resource, no specification, no state. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { HostingSpec } from '../../stacks';
import { EngineError } from '../base/errors';
import { hostingPolicy, hostingSpec, reserve } from '../hostings';
import { getOwnedHosting, type OwnedHosting } from '../store/hostings';
import { findNode } from '../store/stacks';
import { findUser } from '../store/users';
import { operation, type StepWith } from '../stack';

type Size = Pick<OwnedHosting, 'memoryMiB' | 'vcpus' | 'diskGiB'>;

const input = z.object({ userId: z.int(), sshPublicKey: z.string() });
type Context = StepWith<'config' | 'database' | 'proxy' | 'stack', z.output<typeof input>>;

export const planCreate = operation({
  kind: 'plan-create',
  input,
  needs: ['config', 'database', 'proxy', 'stack'],
  onFailure: 'unwind',
  onRemoval: 'wait',
})
  .step('draft', { do: draft, undo: ({ stack }) => stack.clear() })
  .step('init', { do: ({ stack }) => stack.init(), restartAt: 'draft' })
  .step('plan', { do: ({ stack }) => stack.plan('apply'), restartAt: 'draft' })
  .step('check', {
    do: ({ config, stack }, done) => stack.check(hostingPolicy(done.draft, config, 'apply')),
    restartAt: 'draft',
  })
  .step('clear', { do: ({ stack }) => stack.clear() });

async function draft(context: Context): Promise<Size> {
  const { row, spec } = await drafted(context);
  await context.stack.draft(spec);
  const { memoryMiB, vcpus, diskGiB } = row;
  return { memoryMiB, vcpus, diskGiB };
}

/** Reserves as a create would, and takes it back with the transaction. */
async function drafted(context: Context): Promise<{ row: OwnedHosting; spec: HostingSpec }> {
  const { config, database } = context;
  const { userId, sshPublicKey } = context.input;
  const user = await findUser(database.direct, userId);
  if (user === null) throw new EngineError('not_found', 'There is no such user');
  const takenBack = new Error('nothing is kept');
  let found: { row: OwnedHosting; spec: HostingSpec } | undefined;
  await database
    .transaction(async (tx) => {
      const wanted = { id: randomUUID(), sshPublicKey, labels: {} };
      await reserve(context, tx, user, wanted);
      const row = await getOwnedHosting(tx, wanted.id);
      const node = await findNode(tx, row.node);
      if (node === null) throw new EngineError('node_not_ready');
      found = { row, spec: hostingSpec(row, user, node, config) };
      throw takenBack;
    })
    .catch((thrown: unknown) => {
      if (thrown !== takenBack) throw thrown;
    });
  if (found === undefined) throw takenBack;
  return found;
}
