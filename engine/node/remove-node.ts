/** Takes pool, network and base images of a node away. Only an empty node can go: its pool must hold no VM's disk. */
import { fenceOf } from '../machine/isolation/fence';
import { findNode, updateNode } from '../store/stacks';
import { nodeNames, nodePolicy } from './prepare-node';
import {
  destroyStack,
  forgetStack,
  type Definition as OperationDefinition,
  type OldContext as StepContext,
} from '../stack';

export const removeNode: OperationDefinition = {
  kind: 'remove-node',
  onFailure: 'stick',
  steps: [
    { name: 'close', run: close },
    {
      name: 'destroy',
      run: (context) =>
        destroyStack(context, nodePolicy(context.parts.config, 'destroy'), nodeNames(context.parts.config)),
    },
    { name: 'unfence', run: ({ parts }) => parts.isolation.remove(fenceOf(parts.config)) },
    { name: 'forget', run: forgetStack },
  ],
};

/** From here on nothing is placed on the node. */
async function close(context: StepContext): Promise<void> {
  const { config, database } = context.parts;
  const node = await findNode(database.direct, config.NODE_NAME);
  if (node) await context.write((tx) => updateNode(tx, node.name, { prepared: null }));
}
