/** Whether the VM of an ejected hosting is still there, whoever has it. */
import { EngineError } from '../base/errors';
import { hostingNames } from './facts';
import type { Parts } from '../durable';
import { ejectedHostings } from '../store/ejections';

/** True while anything of it is there: a domain that is being replaced is gone for a moment, its disk is not. */
export async function vmExists(
  { config, inventory }: Pick<Parts, 'config' | 'inventory'>,
  hostingId: string,
): Promise<boolean> {
  const { domain, volumes } = await inventory.find(hostingNames(hostingId, config));
  return domain !== null || volumes.length > 0;
}

/** @throws {EngineError} validation_failed: such a VM needs pool, network and base image of this node */
export async function assertNoneEjected(
  parts: Pick<Parts, 'config' | 'database' | 'inventory'>,
): Promise<void> {
  for (const { id, vmName } of await ejectedHostings(parts.database.direct, parts.config.NODE_NAME)) {
    if (await vmExists(parts, id))
      throw new EngineError(
        'validation_failed',
        `${vmName} was ejected and still exists on this node: destroy it with Terraform, or adopt it first`,
      );
  }
}
