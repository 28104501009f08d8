/** Ethernet frames as a tenant with root would forge them, each with a label that a listener knows it by. */

export interface Station {
  /** e.g. `52:54:00:5a:00:0a` */
  readonly mac: string;
  readonly ip: string;
}

const broadcast = 'ff:ff:ff:ff:ff:ff';

const mac = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');
const ip = (text: string): Buffer => Buffer.from(text.split('.').map(Number));
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const labelled = (label: string): Buffer => Buffer.from(`WHPROBE:${label};`);

function ethernet(to: string, from: string, type: number, body: Buffer): string {
  return Buffer.concat([mac(to), mac(from), u16(type), body]).toString('hex');
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function udp(from: string, to: string, ports: [number, number], label: string): Buffer {
  return udpOf(from, to, ports, labelled(label));
}

function udpOf(from: string, to: string, [source, target]: [number, number], text: Buffer): Buffer {
  // without a checksum, which IPv4 allows
  const datagram = Buffer.concat([u16(source), u16(target), u16(8 + text.length), u16(0), text]);
  const head = Buffer.from([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, ...ip(from), ...ip(to)]);
  head.writeUInt16BE(20 + datagram.length, 2);
  head.writeUInt16BE(checksum(head), 10);
  return Buffer.concat([head, datagram]);
}

/** @param says  the pair that it makes known */
function arp(operation: 'request' | 'reply', says: Station, to: Station, label: string): Buffer {
  return Buffer.concat([
    u16(1),
    u16(0x0800),
    Buffer.from([6, 4]),
    u16(operation === 'request' ? 1 : 2),
    ...[mac(says.mac), ip(says.ip), mac(to.mac), ip(to.ip)],
    labelled(label),
  ]);
}

function ipv6(nextHeader: number, to: string, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(0x60, 0);
  head.writeUInt16BE(payload.length, 4);
  head.writeUInt8(nextHeader, 6);
  head.writeUInt8(255, 7);
  const linkLocal = Buffer.from('fe80000000000000505400fffe5a0001', 'hex');
  return Buffer.concat([head, linkLocal, Buffer.from(to, 'hex'), payload]);
}

export interface Forgery {
  readonly label: string;
  readonly hex: string;
  /** Where it arrives on a network without isolation. */
  readonly reaches: 'host' | 'other' | 'both';
}

/** What `self` may not send, on a network whose host is `gateway`. */
export function forgeries(self: Station, other: Station, gateway: Station, free: Station): Forgery[] {
  const made: Forgery[] = [];
  const add = (
    reaches: Forgery['reaches'],
    label: string,
    to: string,
    from: string,
    type: number,
    body: Buffer,
  ): void => {
    made.push({ label, reaches, hex: ethernet(to, from, type, body) });
  };
  const claim = (says: Station, to: Station, label: string): Buffer => arp('reply', says, to, label);
  const ports: [number, number] = [4444, 9999];
  const allNodes = 'ff020000000000000000000000000001';
  const dhcp: [number, number] = [67, 68];

  add('both', 'fake-mac', broadcast, free.mac, 0x0800, udp(self.ip, '255.255.255.255', ports, 'fake-mac'));
  add('host', 'fake-ip', gateway.mac, self.mac, 0x0800, udp(free.ip, gateway.ip, ports, 'fake-ip'));
  add('host', 'ip-of-other', gateway.mac, self.mac, 0x0800, udp(other.ip, gateway.ip, ports, 'ip-of-other'));
  add(
    'other',
    'fake-ip-to-other',
    other.mac,
    self.mac,
    0x0800,
    udp(free.ip, other.ip, ports, 'fake-ip-to-other'),
  );
  add(
    'both',
    'arp-as-gateway',
    broadcast,
    self.mac,
    0x0806,
    claim({ mac: self.mac, ip: gateway.ip }, other, 'arp-as-gateway'),
  );
  add(
    'other',
    'arp-as-gateway-to-other',
    other.mac,
    self.mac,
    0x0806,
    claim({ mac: self.mac, ip: gateway.ip }, other, 'arp-as-gateway-to-other'),
  );
  add(
    'host',
    'arp-as-other',
    gateway.mac,
    self.mac,
    0x0806,
    claim({ mac: self.mac, ip: other.ip }, gateway, 'arp-as-other'),
  );
  add(
    'both',
    'arp-gratuitous',
    broadcast,
    self.mac,
    0x0806,
    arp('request', { mac: self.mac, ip: free.ip }, { mac: broadcast, ip: free.ip }, 'arp-gratuitous'),
  );
  add('both', 'arp-for-other', broadcast, self.mac, 0x0806, arp('request', self, other, 'arp-for-other'));
  add(
    'both',
    'ipv6-advertisement',
    '33:33:00:00:00:01',
    self.mac,
    0x86dd,
    ipv6(58, allNodes, routerAdvertisement('ipv6-advertisement')),
  );
  add(
    'both',
    'dhcpv6-advertise',
    '33:33:00:01:00:02',
    self.mac,
    0x86dd,
    ipv6(17, 'ff020000000000000000000000010002', dhcpv6Advertise('dhcpv6-advertise')),
  );
  add('other', 'ipv6-to-other', other.mac, self.mac, 0x86dd, ipv6(59, allNodes, labelled('ipv6-to-other')));
  add('both', 'dhcp-offer', broadcast, self.mac, 0x0800, udp(self.ip, '255.255.255.255', dhcp, 'dhcp-offer'));
  add(
    'other',
    'dhcp-offer-to-other',
    other.mac,
    self.mac,
    0x0800,
    udp(gateway.ip, other.ip, dhcp, 'dhcp-offer-to-other'),
  );
  add(
    'other',
    'honest-to-other',
    other.mac,
    self.mac,
    0x0800,
    udp(self.ip, other.ip, ports, 'honest-to-other'),
  );
  add(
    'both',
    'by-way-of-host',
    gateway.mac,
    self.mac,
    0x0800,
    udp(self.ip, other.ip, ports, 'by-way-of-host'),
  );
  add(
    'host',
    'honest-to-host',
    gateway.mac,
    self.mac,
    0x0800,
    udp(self.ip, gateway.ip, ports, 'honest-to-host'),
  );
  add(
    'both',
    'vlan',
    broadcast,
    self.mac,
    0x8100,
    Buffer.concat([u16(7), u16(0x0800), udp(self.ip, '255.255.255.255', ports, 'vlan')]),
  );
  add('both', 'other-protocol', broadcast, self.mac, 0x88b5, labelled('other-protocol'));
  // last: from here on the bridge believes that `other` sits on this port
  add(
    'host',
    'mac-of-other',
    gateway.mac,
    other.mac,
    0x0800,
    udp(other.ip, gateway.ip, ports, 'mac-of-other'),
  );
  return made;
}

/** What a client of DHCP says. @param client  whose address it is about */
export function dhcpMessage(
  from: Station,
  client: Pick<Station, 'mac'>,
  kind: 'discover' | 'request' | 'decline',
  options: { readonly server?: string; readonly wanted?: string; readonly transaction?: number } = {},
): string {
  const head = Buffer.alloc(236);
  head.set([1, 1, 6, 0]);
  head.writeUInt32BE(options.transaction ?? 7, 4);
  // the answer goes to everybody: it would not find its way to another's address
  head.writeUInt16BE(kind === 'decline' ? 0 : 0x8000, 10);
  mac(client.mac).copy(head, 28);
  const option = (code: number, value: Buffer): Buffer =>
    Buffer.concat([Buffer.from([code, value.length]), value]);
  const said = Buffer.concat([
    head,
    Buffer.from('63825363', 'hex'),
    option(53, Buffer.from([{ discover: 1, request: 3, decline: 4 }[kind]])),
    ...(options.wanted === undefined ? [] : [option(50, ip(options.wanted))]),
    ...(options.server === undefined ? [] : [option(54, ip(options.server))]),
    Buffer.from([255]),
  ]);
  const body = udpOf('0.0.0.0', '255.255.255.255', [68, 67], said);
  return ethernet(broadcast, from.mac, 0x0800, body);
}

/** UDP as no kernel would send it. @param through  MAC of whom it is given to */
export function datagram(from: Station, through: string, to: string, label: string, port = 4444): string {
  return ethernet(through, from.mac, 0x0800, udp(from.ip, to, [port, 9999], label));
}

/** What it may send: a question to the network's own name server. */
export function question(self: Station, gateway: Station): string {
  return ethernet(gateway.mac, self.mac, 0x0800, udp(self.ip, gateway.ip, [4445, 53], 'question'));
}

/** From the server's port to the client's. */
function dhcpv6Advertise(label: string): Buffer {
  const text = labelled(label);
  return Buffer.concat([u16(547), u16(546), u16(12 + text.length), u16(0), Buffer.from([2, 0, 0, 7]), text]);
}

function routerAdvertisement(label: string): Buffer {
  return Buffer.concat([
    Buffer.from('8600000040000708000000000000000000', 'hex').subarray(0, 16),
    labelled(label),
  ]);
}
