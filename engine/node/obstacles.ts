/** What stands in a new node's way, in words that its operator can go by: libvirt's own come with no advice. */
import type { Config } from '../base/config';
import { EngineError } from '../base/errors';

type Names = Pick<Config, 'POOL_NAME' | 'NETWORK_NAME'>;

/** @returns the error itself, unless what libvirt said of it is known */
export function namedObstacle({ POOL_NAME, NETWORK_NAME }: Names, thrown: unknown): unknown {
  if (!(thrown instanceof EngineError) || thrown.code !== 'apply_failed') return thrown;
  const story = thrown.cause instanceof Error ? thrown.cause.message : '';
  const told = (message: string): EngineError =>
    new EngineError(thrown.code, message, { cause: thrown.cause });

  const [, bridge] = /already in use by interface (\S+)/.exec(story) ?? [];
  if (bridge !== undefined)
    return told(
      `The VM network's addresses are in use by the interface ${bridge}: if nothing needs it, remove it (ip link delete ${bridge}) and run this again; otherwise choose another NETWORK_CIDR and NETWORK_BRIDGE`,
    );
  if (/bridge name '\S+' already in use/.test(story))
    return told(
      'Another libvirt network already uses NETWORK_BRIDGE (virsh net-list --all): choose another NETWORK_BRIDGE and NETWORK_CIDR',
    );
  if (/network '[^']*' already exists/.test(story))
    return told(
      `libvirt has a network ${NETWORK_NAME} that this installation did not create: if nothing needs it, remove it (virsh net-destroy ${NETWORK_NAME}; virsh net-undefine ${NETWORK_NAME}) and run this again; otherwise choose another NETWORK_NAME`,
    );
  if (/pool '[^']*' already exists/.test(story))
    return told(
      `libvirt has a pool ${POOL_NAME} that this installation did not create: if nothing needs it, remove it (virsh pool-destroy ${POOL_NAME}; virsh pool-undefine ${POOL_NAME}) and run this again; otherwise choose another POOL_NAME and POOL_DIR`,
    );
  const [, pool] = /Storage source conflict with pool: '([^']*)'/.exec(story) ?? [];
  if (pool !== undefined)
    return told(`POOL_DIR is already the directory of the libvirt pool ${pool}: choose another POOL_DIR`);
  return thrown;
}
