/**
 * What a plan of a hosting cannot see, or breaks on. The provider reads a running domain, so what was changed for its
 * next start stays hidden; and a plan fails when the root volume is gone, because the domain's refresh asks for it.
 */
import type { HostingSpec } from '../../stacks';
import { rootVolumeName } from '../machine/libvirt/names';
import type { Inventory } from '../machine/libvirt/inventory';
import { findStack } from '../store/stacks';
import type { StackStep } from './step';

export const domainAddress = 'libvirt_domain.vm';
export const rootVolumeAddress = 'libvirt_volume.root';

export interface UnseenDrift {
  /** True when the disk is gone, and with it the user's data; no plan is possible then. */
  readonly diskLost: boolean;
  /** Why the domain must be made anew, e.g. `memory 256 MiB at its next start, 128 MiB in the specification`. */
  readonly domain: string | null;
  /** The VM runs without a definition: libvirt refuses some changes of it, and it is gone when it ends. */
  readonly isUndefined: boolean;
}

const nothing: UnseenDrift = { diskLost: false, domain: null, isUndefined: false };

export async function unseenDrift({ parts, stackId }: StackStep): Promise<UnseenDrift> {
  const stack = await findStack(parts.database.direct, stackId);
  // before the first apply there is nothing that could have been lost
  if (stack?.spec?.kind !== 'hosting' || !stack.stateSealed) return nothing;
  return unseenDriftFrom(parts.inventory, stack.spec);
}

/** How what there is differs from a specification that the database need not know. */
export async function unseenDriftFrom(inventory: Inventory, spec: HostingSpec): Promise<UnseenDrift> {
  const root = rootVolumeName(spec.hostingId);
  const { volumes } = await inventory.find({ domain: null, pool: spec.node.pool, volumes: [root] });
  const { domains } = await inventory.survey(spec.node.pool);
  return {
    diskLost: !volumes.includes(root),
    domain: await changedConfig(inventory, spec),
    isUndefined: domains.some(({ name, isTransient }) => name === spec.vmName && isTransient),
  };
}

async function changedConfig(inventory: Inventory, spec: HostingSpec): Promise<string | null> {
  const config = await inventory.domainConfig(spec.vmName);
  if (config === null) return null;
  const differences = [
    ...differing('memory', `${config.memoryMiB} MiB`, `${spec.memoryMiB} MiB`),
    ...differing('vCPUs', String(config.vcpus), String(spec.vcpus)),
  ];
  return differences.length === 0 ? null : differences.join('; ');
}

function differing(what: string, found: string, specified: string): string[] {
  return found === specified ? [] : [`${what} ${found} at its next start, ${specified} in the specification`];
}
