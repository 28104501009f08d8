import type { Config } from '../../base/config';
import type { NodeNames } from './node-care';

/** What this node's parts are called. */
export function nodeNames(config: Config): NodeNames {
  return {
    pool: config.POOL_NAME,
    poolDir: config.POOL_DIR,
    dataDir: config.DATA_DIR,
    network: config.NETWORK_NAME,
    bridge: config.NETWORK_BRIDGE,
    cidr: config.NETWORK_CIDR,
  };
}
