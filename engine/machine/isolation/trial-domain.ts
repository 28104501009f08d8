import { randomBytes } from 'node:crypto';

const limits = {
  cpu: { domain: '<cputune><shares>100</shares><quota>100000</quota></cputune>', port: '' },
  network: {
    domain: '',
    port: '<bandwidth><inbound average="1000"/><outbound average="1000"/></bandwidth>',
  },
} as const;

/** A machine without disk or kernel, never to run, that has one kind of limit. */
export function trialDomain(network: string, limit: keyof typeof limits): string {
  const { domain, port } = limits[limit];
  return `<domain type="qemu">
  <name>webhoster-trial-${randomBytes(4).toString('hex')}</name>
  <memory unit="MiB">32</memory>
  <vcpu>1</vcpu>
  <os><type>hvm</type></os>
  ${domain}
  <devices>
    <interface type="network"><source network="${network}"/><model type="virtio"/>${port}</interface>
  </devices>
</domain>
`;
}
