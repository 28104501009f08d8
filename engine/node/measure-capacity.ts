/** What a node has right now, by libvirt and the pool's file system. */
import { type Need, type NodeCapacity, nodeFull, type Promised, shortageOf } from '../model/capacity';
import type { Parts } from '../durable';

/** @throws {EngineError} libvirt_unavailable */
export async function measureCapacity({
  config,
  inventory,
  nodeCare,
}: Pick<Parts, 'config' | 'inventory' | 'nodeCare'>): Promise<NodeCapacity> {
  const [{ totalMiB, freeMiB }, pool] = await Promise.all([
    inventory.memory(),
    nodeCare.poolRoom(config.POOL_DIR),
  ]);
  return { memoryMiB: totalMiB, freeMiB, pool };
}

const nothing: Promised = { memoryMiB: 0, comingMiB: 0, diskGiB: 0 };

/**
 * Right before something is made: what there was when it was accepted may be gone by its turn.
 *
 * @throws {EngineError} node_full, libvirt_unavailable
 */
export async function requireRoomNow(
  parts: Pick<Parts, 'config' | 'inventory' | 'nodeCare'>,
  need: Need,
): Promise<void> {
  const capacity = await measureCapacity(parts);
  const shortage = shortageOf(parts.config, capacity, nothing, need);
  if (shortage !== null) throw nodeFull(shortage, new Error(JSON.stringify({ capacity, need })));
}
