/**
 * What keeps the VMs of a network apart: from each other, from the host, and from addresses that are not theirs. Two
 * fences, each of which holds when the other is gone. The filter is libvirt's: it comes and goes with each VM, and is
 * there before the service is, after a restart of the machine. The host's rules know which side opened a
 * connection, and all of the host's addresses, and stand in front of VMs that were made before there was a filter.
 */
import { createHash } from 'node:crypto';
import type { Config } from '../../base/config';
import { EngineError } from '../../base/errors';
import { type NetworkCidr, parseCidr } from '../../base/addresses';

export interface Fence {
  /** Of the filter in libvirt; one for each network, so that two installations do not share one. */
  readonly filter: string;
  /** Stays the same: libvirt refuses a filter of the same name with another. */
  readonly filterUuid: string;
  /** Of the host's table of rules. */
  readonly table: string;
  readonly bridge: string;
  /** e.g. `10.90.0.0/22` */
  readonly cidr: string;
  /** e.g. `10.90.0.0` and `255.255.252.0` */
  readonly network: string;
  readonly netmask: string;
  /** The host's own address in the network: the first one. */
  readonly gateway: string;
  readonly egress: Config['EGRESS'];
  /** Private networks and addresses that VMs may reach with egress. */
  readonly allowed: readonly string[];
  /** Connections that the host's kernel keeps in mind for one VM at a time; 0 sets no limit. */
  readonly connections: number;
}

type Settings = Pick<
  Config,
  'NETWORK_NAME' | 'NETWORK_BRIDGE' | 'NETWORK_CIDR' | 'EGRESS' | 'EGRESS_ALLOW' | 'VM_CONNECTIONS'
>;

/** The name that a hosting's specification refers to. */
export function filterName({ NETWORK_NAME }: Pick<Config, 'NETWORK_NAME'>): string {
  return `${NETWORK_NAME}-guests`;
}

/** The host's own address in the network of the VMs. @throws {EngineError} config_invalid */
export function gatewayOf(config: Pick<Config, 'NETWORK_CIDR'>): string {
  return dotted(networkOf(config).base + 1);
}

function networkOf({ NETWORK_CIDR }: Pick<Config, 'NETWORK_CIDR'>): NetworkCidr {
  const cidr = parseCidr(NETWORK_CIDR);
  if (cidr === null) throw new EngineError('config_invalid', 'NETWORK_CIDR: not an IPv4 network');
  return cidr;
}

/** @throws {EngineError} config_invalid */
export function fenceOf(config: Settings): Fence {
  const cidr = networkOf(config);
  const filter = filterName(config);
  return {
    filter,
    filterUuid: uuidOf(filter),
    // a bridge's name has no underscore, so two bridges never share a table
    table: `webhoster_${config.NETWORK_BRIDGE.replaceAll('-', '_')}`,
    bridge: config.NETWORK_BRIDGE,
    cidr: config.NETWORK_CIDR,
    network: dotted(cidr.base),
    netmask: dotted((0xffffffff << (32 - cidr.prefix)) >>> 0),
    gateway: gatewayOf(config),
    egress: config.EGRESS,
    allowed: config.EGRESS_ALLOW,
    connections: config.VM_CONNECTIONS,
  };
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => ((address >>> shift) & 0xff).toString()).join('.');
}

function uuidOf(name: string): string {
  const hex = createHash('sha256').update(`vm-webhoster filter ${name}`).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
