/**
 * One user's VM as Terraform resources: a copy-on-write volume over the image, a cloud-init disk, a domain.
 *
 * Holds for every hosting: names carry its UUID, so that an apply never adopts what another one left; nothing waits
 * for the guest (the engine probes it); a plan right after an apply, or after the guest restarted, is empty.
 */
import { Fn } from 'cdktf';
import type { Construct } from 'constructs';
import { CloudinitDisk } from './bindings/providers/libvirt/cloudinit-disk';
import { Domain, type DomainConfig } from './bindings/providers/libvirt/domain';
import { Volume } from './bindings/providers/libvirt/volume';
import { kernelCmdline } from './kernel-cmdline';
import { LibvirtStack } from './libvirt-stack';
import type { HostingSpec, SpecImage } from './spec';
import { domainXslt } from './xslt/domain';
import { privateVolumeXslt } from './xslt/storage';

export class HostingStack extends LibvirtStack {
  constructor(scope: Construct, id: string, spec: HostingSpec) {
    super(scope, id, spec.node.uri);
    const root = this.rootVolume(spec);
    const cidata = this.cloudInitDisk(spec);
    const domain = this.domain(spec, root, cidata);
    this.publish('vm_name', domain.name);
    this.publish('ip', spec.ip);
    this.publish('mac', spec.mac);
    this.publish('root_volume', root.id);
    this.publish('cloudinit_disk', Fn.element(Fn.split(';', cidata.id), 0));
  }

  private rootVolume(spec: HostingSpec): Volume {
    return new Volume(this, 'root', {
      name: `${spec.hostingId}.qcow2`,
      pool: spec.node.pool,
      baseVolumeId: spec.image.baseVolumePath,
      size: spec.diskBytes,
      xml: { xslt: privateVolumeXslt() },
    });
  }

  /** User data is kept secret: what a later version puts there may be. */
  private cloudInitDisk(spec: HostingSpec): CloudinitDisk {
    return new CloudinitDisk(this, 'cidata', {
      name: `${spec.hostingId}-cidata.iso`,
      pool: spec.node.pool,
      userData: this.literal('user_data', spec.cloudInit.userData, 'secret'),
      metaData: this.literal('meta_data', spec.cloudInit.metaData),
    });
  }

  /**
   * `network_interface` has no `addresses`: they would be added to the network on apply and never be removed.
   * `qemu_agent` stays off, although the channel is there: with it every refresh asks the guest and waits for it.
   * `machine` is reported resolved (`pc-i440fx-7.2`), so after an upgrade of QEMU it would differ for ever.
   */
  private domain(spec: HostingSpec, root: Volume, cidata: CloudinitDisk): Domain {
    return new Domain(this, 'vm', {
      name: spec.vmName,
      type: spec.domainType,
      machine: 'pc',
      memory: spec.memoryMiB,
      vcpu: spec.vcpus,
      ...cpu(spec.domainType),
      ...boot(spec.image.boot),
      cloudinit: cidata.id,
      disk: [{ volumeId: root.id }],
      networkInterface: [{ networkName: spec.node.network, mac: spec.mac, waitForLease: false }],
      console: [{ type: 'pty', targetType: 'serial', targetPort: '0' }],
      autostart: spec.asleep !== true,
      running: spec.asleep !== true,
      qemuAgent: false,
      xml: { xslt: domainXslt(spec, root.id) },
      lifecycle: { ignoreChanges: ['machine'] },
    });
  }
}

/** Under KVM the guest gets the host's processor. TCG keeps libvirt's default: `maximum` booted no faster. */
function cpu(type: HostingSpec['domainType']): Pick<DomainConfig, 'cpu'> {
  return type === 'kvm' ? { cpu: { mode: 'host-passthrough' } } : {};
}

function boot(source: SpecImage['boot']): Pick<DomainConfig, 'kernel' | 'initrd' | 'cmdline'> {
  if (source.kind === 'disk') return {};
  return { kernel: source.kernel, initrd: source.initrd, cmdline: kernelCmdline(source.cmdline) };
}
