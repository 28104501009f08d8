/**
 * The filter on a VM's port, as libvirt's XML. One chain of rules that end it with what is allowed and drop the rest;
 * libvirt's `clean-traffic` asks the same of MAC, IP and ARP in a dozen chains and over a hundred commands, one after
 * another, which is 1.1 s of each start.
 *
 * It works on Ethernet frames, where nothing is known of connections: an answer to the host is what comes from a port
 * that the host connects to and goes to one that its kernel connects from. The host's rules see to the rest.
 */
import type { Fence } from './fence';

/** What Nginx and the engine connect to in a VM. */
const servedPorts = [22, 80, 443];

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Linux's default of `net.ipv4.ip_local_port_range`. */
export const usualPorts: PortRange = { first: 32_768, last: 60_999 };

/** @param hostPorts  that the host's kernel connects from */
export function guestFilter(fence: Fence, hostPorts: PortRange = usualPorts): string {
  const rules = [...fromGuest(fence, hostPorts), ...toGuest(fence)];
  return [
    `<filter name='${fence.filter}' chain='root'>`,
    `  <uuid>${fence.filterUuid}</uuid>`,
    ...rules.map(
      ({ action, direction, match }, index) =>
        `  <rule action='${action}' direction='${direction}' priority='${index + 1}'>${match}</rule>`,
    ),
    '</filter>',
    '',
  ].join('\n');
}

interface Rule {
  readonly action: 'accept' | 'drop';
  /** As libvirt sees it: `out` leaves the VM. */
  readonly direction: 'in' | 'out';
  /** The XML of what it applies to. */
  readonly match: string;
}

function fromGuest(fence: Fence, hostPorts: PortRange): Rule[] {
  const accept = (match: string): Rule => ({ action: 'accept', direction: 'out', match });
  const drop = (match: string): Rule => ({ action: 'drop', direction: 'out', match });
  const { gateway, network, netmask } = fence;
  const toHost = (rest: string): string => `<ip srcipaddr='$IP' dstipaddr='${gateway}' ${rest}/>`;
  const answers = servedPorts.map((port) =>
    accept(
      toHost(
        `protocol='tcp' srcportstart='${port}' dstportstart='${hostPorts.first}' dstportend='${hostPorts.last}'`,
      ),
    ),
  );
  return [
    drop(`<mac match='no' srcmacaddr='$MAC'/>`),
    accept(
      `<arp arpsrcmacaddr='$MAC' arpsrcipaddr='$IP' arpdstipaddr='${gateway}' hwtype='1' protocoltype='0x800'/>`,
    ),
    accept(
      `<ip srcipaddr='0.0.0.0' dstipaddr='255.255.255.255' protocol='udp' srcportstart='68' dstportstart='67'/>`,
    ),
    drop(`<ip match='no' srcipaddr='$IP'/>`),
    ...answers,
    accept(toHost(`protocol='udp' srcportstart='68' dstportstart='67'`)),
    accept(toHost(`protocol='udp' dstportstart='53'`)),
    accept(toHost(`protocol='tcp' dstportstart='53'`)),
    ...(fence.egress === 'open'
      ? [
          // by way of the host one VM would reach another that its own port does not lead to
          drop(`<ip dstipaddr='${network}' dstipmask='${netmask}'/>`),
          drop(`<ip dstipaddr='224.0.0.0' dstipmask='224.0.0.0'/>`),
          accept(`<ip srcipaddr='$IP'/>`),
        ]
      : []),
    drop(`<mac/>`),
  ];
}

function toGuest({ gateway, network, netmask, egress }: Fence): Rule[] {
  const accept = (match: string): Rule => ({ action: 'accept', direction: 'in', match });
  const drop = (match: string): Rule => ({ action: 'drop', direction: 'in', match });
  return [
    accept(`<arp arpsrcipaddr='${gateway}' hwtype='1' protocoltype='0x800'/>`),
    accept(`<ip srcipaddr='${gateway}' dstipaddr='$IP'/>`),
    accept(`<ip srcipaddr='${gateway}' protocol='udp' srcportstart='67' dstportstart='68'/>`),
    ...(egress === 'open'
      ? [drop(`<ip srcipaddr='${network}' srcipmask='${netmask}'/>`), accept(`<ip dstipaddr='$IP'/>`)]
      : []),
    drop(`<mac/>`),
  ];
}
