/** The stylesheets on what the provider really writes, run by the program that it runs them with. */
import { renderStack } from '../../../stacks/render';
import { domainXslt } from '../../../stacks/xslt/domain';
import { networkXslt } from '../../../stacks/xslt/network';
import { poolXslt, privateVolumeXslt } from '../../../stacks/xslt/storage';
import { readFixture, readSpec, xsltproc } from './support';

const volume = '/var/lib/vm-webhoster/pool/1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d.qcow2';

function withoutSpace(xml: string): string {
  return xml.replaceAll(/>\s+</g, '><');
}

describe('the domain of a hosting', () => {
  const spec = readSpec('hosting-direct-kernel');
  const domain = withoutSpace(xsltproc(domainXslt(spec, volume), readFixture('provider-domain.xml')));

  it('bears the mark of ownership', () => {
    expect(domain).toContain(
      '<metadata><webhoster:hosting xmlns:webhoster="urn:vm-webhoster:hosting:1" ' +
        'id="1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d" pool="webhoster"/></metadata>',
    );
  });

  it('has its root disk as a file, and the cloud-init disk as the provider made it', () => {
    expect(domain).toContain(
      '<disk type="file" device="disk"><driver name="qemu" type="qcow2" discard="unmap" detect_zeroes="unmap"/>' +
        `<source file="${volume}"/><target dev="vda" bus="virtio"/></disk>`,
    );
    expect(domain).toContain(
      '<disk type="file" device="cdrom"><driver name="qemu" type="raw"/><source file=',
    );
    expect(domain).not.toContain('type="volume"');
  });

  it('is alone on its port and speaks for its own address only', () => {
    expect(domain).toContain(
      '<interface type="network"><port isolated="yes"/><filterref filter="clean-traffic">' +
        '<parameter name="IP" value="10.90.0.10"/></filterref><mac address="52:54:00:5A:00:0A"/>',
    );
  });

  it('has the filter of its network and its limits, where its specification has them', () => {
    const limited = withoutSpace(
      xsltproc(domainXslt(readSpec('hosting-limits'), volume), readFixture('provider-domain.xml')),
    );
    expect(limited).toContain(
      '<interface type="network"><port isolated="yes"/><filterref filter="webhoster-guests">' +
        '<parameter name="IP" value="10.90.0.10"/></filterref>' +
        '<bandwidth><inbound average="12207"/><outbound average="12207"/></bandwidth><mac',
    );
    expect(limited).toContain(
      '</metadata><cputune><shares>100</shares><period>100000</period><quota>100000</quota></cputune>',
    );
    expect(limited).toContain(
      'device="disk"><iotune><total_bytes_sec>104857600</total_bytes_sec><total_iops_sec>2000</total_iops_sec></iotune><driver',
    );
    for (const element of ['cputune', 'iotune', 'bandwidth']) {
      expect(domain).not.toContain(element);
      expect(limited.split(`<${element}>`)).toHaveLength(2);
    }
  });

  it('keeps the order of the kernel arguments, which the provider sorts', () => {
    expect(domain).toContain('<cmdline>root=LABEL=root ro quiet console=tty0 console=ttyS0</cmdline>');
  });

  it('has no display, and keeps the agent channel, the console and the random numbers', () => {
    expect(domain).not.toMatch(/<graphics|<video/);
    for (const kept of ['org.qemu.guest_agent.0', '<console>', '<rng model="virtio">'])
      expect(domain).toContain(kept);
  });

  it('that boots from its disk gets no command line', () => {
    expect(domainXslt(readSpec('hosting-disk'), volume)).not.toContain('cmdline');
  });
});

describe('the pool and its volumes', () => {
  it('let nobody in but the hypervisor, when its group is known', () => {
    const pool = withoutSpace(xsltproc(poolXslt(64055), readFixture('provider-pool.xml')));
    expect(pool).toContain(
      '<target><permissions><mode>0710</mode><owner>0</owner><group>64055</group></permissions><path>',
    );
  });

  it('let QEMU through without being listed, when the group is not known', () => {
    const pool = withoutSpace(xsltproc(poolXslt(undefined), readFixture('provider-pool.xml')));
    expect(pool).toContain('<mode>0711</mode>');
  });

  it('keep a user’s disk private', () => {
    const disk = withoutSpace(xsltproc(privateVolumeXslt(), readFixture('provider-volume.xml')));
    expect(disk).toContain('<permissions><mode>0600</mode></permissions>');
  });
});

describe('the network of a node', () => {
  const spec = readSpec('node-open');
  const network = withoutSpace(xsltproc(networkXslt(spec.network), readFixture('provider-network.xml')));

  it('hands out reservations and nothing else', () => {
    expect(network).toContain(
      '<dhcp><host mac="52:54:00:5a:00:0a" ip="10.90.0.10"/><host mac="52:54:00:5a:00:0b" ip="10.90.0.11"/></dhcp>',
    );
    expect(network).not.toContain('<range');
  });

  it('keeps queries for its own names on the host, and the options of dnsmasq', () => {
    expect(network).toContain('<domain name="vms.internal" localOnly="yes"/>');
    expect(network).toContain('<option value="dhcp-ignore-names"/>');
  });
});

it('puts the volume into the stylesheet by reference', () => {
  expect(renderStack(readSpec('hosting-disk'))).toContain('<source file=\\"${libvirt_volume.root.id}\\"/>');
});
