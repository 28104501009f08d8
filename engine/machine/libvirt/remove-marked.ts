/** The last resort where there may be no state to ask Terraform with. */
import { EngineError } from '../../base/errors';
import { isoName, rootVolumeName, vmNameOf } from './names';
import type { Inventory } from './inventory';

/**
 * Removes directly what carries a hosting's names in libvirt. A domain without our mark is not ours and stays.
 *
 * @param before  called with what is removed next, e.g. `domain vm-1a2b3c4d`; throws to keep it
 */
export async function removeMarked(
  inventory: Inventory,
  pool: string,
  hostingId: string,
  before: (what: string) => void = () => undefined,
): Promise<void> {
  const { domains, volumes } = await inventory.survey(pool);
  if (volumes === null)
    throw new EngineError(
      'libvirt_unavailable',
      'The storage pool is inactive; webhoster doctor --fix starts it',
      {
        retryable: true,
      },
    );
  const vmName = vmNameOf(hostingId);
  if (domains.some((domain) => domain.name === vmName && domain.hostingId === hostingId)) {
    before(`domain ${vmName}`);
    await inventory.removeDomain(vmName);
  }
  for (const name of [rootVolumeName(hostingId), isoName(hostingId)]) {
    if (!volumes.includes(name)) continue;
    before(`volume ${name}`);
    await inventory.removeVolume(pool, name);
  }
}
