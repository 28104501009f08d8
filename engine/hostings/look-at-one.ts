/** How one VM is, by libvirt, right now. */
import type { HostingTrouble } from '../model/hosting';
import type { Parts } from '../durable';
import { getHosting } from '../store/hostings';
import { noteTroubles } from '../store/troubles';

/** Before something is decided by how one VM is. Where libvirt cannot be asked, the last look counts. */
export async function lookAtOne(
  { config, database, inventory, log }: Pick<Parts, 'config' | 'database' | 'inventory' | 'log'>,
  id: string,
): Promise<void> {
  if (config.ROLE === 'api') return;
  const { vmName, status, trouble } = await getHosting(database.direct, id);
  if (status !== 'running') return;
  try {
    const found =
      troubleOf(await inventory.domainState(vmName)) ?? (trouble === 'unreachable' ? trouble : null);
    await noteTroubles(database.direct, [id], new Map(found === null ? [] : [[id, found]]));
  } catch (err) {
    log.info({ err, vmName }, 'libvirt could not be asked about a VM');
  }
}

function troubleOf(state: string | null): HostingTrouble | null {
  if (state === 'running') return null;
  return state === null ? 'lost' : state === 'paused' ? 'paused' : 'off';
}
