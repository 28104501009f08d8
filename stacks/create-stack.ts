import type { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { HostingStack } from './hosting-stack';
import { NodeStack } from './node-stack';
import type { StackSpec } from './spec';

/** Adds the stack of a checked specification; its id is the VM's name, or `node-` and the node's. */
export function createStack(scope: Construct, spec: StackSpec): TerraformStack {
  return spec.kind === 'hosting'
    ? new HostingStack(scope, spec.vmName, spec)
    : new NodeStack(scope, `node-${spec.name}`, spec);
}
