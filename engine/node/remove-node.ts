/** Takes pool, network and base images of a node away. Only an empty node can go: its pool must hold no VM's disk. */
import { z } from 'zod';
import { fenceOf } from '../machine/isolation/fence';
import { operation, type StepWith } from '../stack';
import { findNode, updateNode } from '../store/stacks';
import { nodeNames, nodePolicy } from './prepare-node';

export const removeNode = operation({
  kind: 'remove-node',
  input: z.object({}),
  needs: ['config', 'database', 'isolation', 'stack'],
  onFailure: 'stick',
  onRemoval: 'wait',
})
  .step('close', { do: close })
  .step('destroy', {
    do: ({ config, stack }) => stack.destroy(nodePolicy(config, 'destroy'), nodeNames(config)),
  })
  .step('unfence', { do: ({ config, isolation }) => isolation.remove(fenceOf(config)) })
  .step('forget', { do: ({ stack }) => stack.forget() });

/** From here on nothing is placed on the node. */
async function close({ config, database, write }: StepWith<'config' | 'database'>): Promise<void> {
  const node = await findNode(database.direct, config.NODE_NAME);
  if (node) await write((tx) => updateNode(tx, node.name, { prepared: null }));
}
