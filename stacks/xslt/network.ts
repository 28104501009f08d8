/**
 * A network that hands out nothing but reservations. They are part of the network's definition, and not added per
 * hosting, because the provider adds a domain's address to its network and never takes it away again.
 */
import type { NodeSpec } from '../spec';
import { replace, setAttributes, stylesheet } from './stylesheet';

/** Without a dynamic range an unknown MAC gets no address, so nobody can take one that belongs to another hosting. */
export function networkXslt(network: NodeSpec['network']): string {
  const hosts = network.reservations.map(({ ip, mac }) => `  <host mac="${mac}" ip="${ip}"/>`);
  return stylesheet([
    replace('ip/dhcp', ['<dhcp>', ...hosts, '</dhcp>'].join('\n')),
    setAttributes('/network/domain', { localOnly: 'yes' }),
  ]);
}
