/**
 * What a libvirt host needs before VMs can run on it: a pool, a network, the base images.
 *
 * Everything here is shared by the node's hostings. The network and the pool cannot be changed in place: another
 * CIDR, egress, path or list of reservations replaces them under running VMs. Destroy only an empty node: the
 * provider stops a pool before it finds that the directory is not empty, and leaves it stopped.
 */
import type { Construct } from 'constructs';
import { Network } from './bindings/providers/libvirt/network';
import { Pool } from './bindings/providers/libvirt/pool';
import { Volume } from './bindings/providers/libvirt/volume';
import { LibvirtStack } from './libvirt-stack';
import type { NodeSpec } from './spec';
import { networkXslt } from './xslt/network';
import { poolXslt } from './xslt/storage';

/** Domain that guests get by DHCP; queries for names in it never leave the host. */
const DNS_DOMAIN = 'vms.internal';

export class NodeStack extends LibvirtStack {
  constructor(scope: Construct, id: string, spec: NodeSpec) {
    super(scope, id, spec.uri);
    const pool = this.pool(spec);
    const network = this.network(spec);
    const images = spec.images.map((image): [string, string] => [
      image.volumeName,
      this.image(image, pool).id,
    ]);
    this.publish('pool', pool.name);
    this.publish('network', network.name);
    this.publish('images', Object.fromEntries(images));
  }

  private pool(spec: NodeSpec): Pool {
    return new Pool(this, 'pool', {
      name: spec.pool.name,
      type: 'dir',
      target: { path: spec.pool.path },
      xml: { xslt: poolXslt(spec.pool.hypervisorGid) },
    });
  }

  private network({ network }: NodeSpec): Network {
    return new Network(this, 'network', {
      name: network.name,
      bridge: network.bridge,
      mode: network.egress === 'open' ? 'nat' : 'none',
      domain: DNS_DOMAIN,
      addresses: [network.cidr],
      dhcp: { enabled: true },
      dnsmasqOptions: { options: dnsmasqOptions(network.reservations.length) },
      autostart: true,
      xml: { xslt: this.literal('network_xslt', networkXslt(network)) },
    });
  }

  /** A name carries the content's checksum: the same name from another place is no reason to replace a volume in use. */
  private image(image: NodeSpec['images'][number], pool: Pool): Volume {
    return new Volume(this, imageResourceId(image.volumeName), {
      name: image.volumeName,
      pool: pool.name,
      source: image.sourcePath,
      lifecycle: { ignoreChanges: ['source'] },
    });
  }
}

/** Name of an image's resource in the stack: volume names may hold dots, resource names may not. */
export function imageResourceId(volumeName: string): string {
  return `image_${volumeName.replaceAll('.', '-')}`;
}

/**
 * dnsmasq stops at 1000 leases unless told otherwise, and libvirt tells it only about dynamic ranges. Names that
 * guests claim are ignored: one could take a name that another trusts.
 */
function dnsmasqOptions(leases: number): { optionName: string; optionValue?: string }[] {
  return [
    { optionName: 'dhcp-lease-max', optionValue: leases.toString() },
    { optionName: 'dhcp-ignore-names' },
  ];
}
