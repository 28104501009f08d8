/** What the kernel's programs print, as data. */
import {
  hasDhcp,
  hasNetworkRules,
  overlapping,
  parseTaps,
  socketDirectory,
} from '../../../../engine/machine/host/kernel-output';
import { judgeState, markOf } from '../../../../engine/machine/terraform/judge-state';
import { parseReasons } from '../../../../engine/machine/libvirt/virsh-output';

const link = (change: object) =>
  JSON.stringify([
    {
      ifname: 'vnet2',
      address: 'fe:54:00:4d:00:02',
      master: 'br0',
      linkinfo: { info_kind: 'tun', info_slave_data: { isolated: true } },
      ...change,
    },
    { ifname: 'tun0', address: '02:00:00:00:00:01' },
  ]);

it('a tap is found by the MAC of its VM, with its bridge and whether its filter exists', () => {
  const tap = { name: 'vnet2', mac: '52:54:00:4d:00:02', bridge: 'br0', isolated: true, filtered: true };
  expect(parseTaps(link({}), 'table bridge nat {\n\tchain libvirt-I-vnet2 {\n')).toEqual([tap]);
  expect(parseTaps(link({}), 'table bridge nat {\n\tchain libvirt-I-vnet20 {\n')).toEqual([
    { ...tap, filtered: false },
  ]);
  expect(parseTaps(link({ master: undefined, linkinfo: {} }), null)).toEqual([
    { ...tap, bridge: null, isolated: false, filtered: null },
  ]);
  expect(parseTaps('', '')).toEqual([]);
});

it.each([
  ['iptables’', 'table ip filter {\n\tchain LIBVIRT_FWO {\n\t\tiifname "br0" counter reject\n', true],
  ['libvirt’s own', 'table ip libvirt_network {\n\t\toifname "br0" accept\n', true],
  ['our own', 'table inet webhoster_br0 {\n\t\tiifname != "br0" accept\n\t\tiifname "br0" drop\n', false],
  ['another network’s', 'table ip filter {\n\t\tiifname "br01" accept\n', false],
])('the ruleset shows whether the network’s rules exist: %s', (_, rules, expected) => {
  expect(hasNetworkRules(rules, 'br0')).toBe(expected);
});

it('the DHCP server of the bridge is told from that of another', () => {
  const line = 'UNCONN 0 0 0.0.0.0%br0:67 0.0.0.0:* users:(("dnsmasq",pid=302,fd=3))\n';
  expect([hasDhcp(line, 'br0'), hasDhcp(line, 'br01'), hasDhcp('', 'br0')]).toEqual([true, false, false]);
});

it.each([
  ['10.90.1.0/24', 'tun0', ['10.90.1.0/24 dev tun0']],
  ['10.0.0.0/8', 'eth0', ['10.0.0.0/8 dev eth0']],
  ['10.90.3.255', 'eth0', ['10.90.3.255 dev eth0']],
  ['10.90.4.0/22', 'eth0', []],
  ['default', 'eth0', []],
  ['10.90.0.0/22', 'br0', []],
])('a route to %s on %s is judged for overlap with 10.90.0.0/22', (dst, dev, expected) => {
  expect(overlapping(JSON.stringify([{ dst, dev }]), '10.90.0.0/22', 'br0')).toEqual(expected);
});

it('the directory of libvirt’s sockets is known, unless libvirt is on another machine', () => {
  expect(socketDirectory('qemu:///system')).toBe('/run/libvirt');
  expect(socketDirectory('qemu:///system?socket=/srv/n1/run/libvirt-sock')).toBe('/srv/n1/run');
  expect(socketDirectory('qemu+ssh://root@n1/system')).toBeNull();
});

it('the reasons why VMs are paused are read although virsh prints them without a line break', () => {
  expect(parseReasons('@@vm-a5094fccpaused (user)\n\n@@vm-00000001paused (I/O error)\n\n')).toEqual(
    new Map([
      ['vm-a5094fcc', 'user'],
      ['vm-00000001', 'I/O error'],
    ]),
  );
});

describe('a state file', () => {
  const state = (change: object): Buffer =>
    Buffer.from(JSON.stringify({ serial: 5, lineage: 'a', resources: [{ name: 'vm' }], ...change }));
  it.each<[string, Buffer, ReturnType<typeof judgeState>]>([
    ['the same', state({}), 'good'],
    ['newer, of a run that was killed', state({ serial: 7, resources: [] }), 'good'],
    ['older', state({ serial: 3 }), 'good'],
    ['of another serial with the same content', state({ serial: 105 }), 'edited'],
    ['of the same serial with other content', state({ resources: [] }), 'edited'],
    ['of another stack', state({ lineage: 'b' }), 'edited'],
    ['garbage', Buffer.from('garbage'), 'unreadable'],
    ['no state', Buffer.from('{}'), 'unreadable'],
  ])('a state file that is %s is judged', (_, local, verdict) => {
    expect(judgeState(local, markOf(state({})))).toBe(verdict);
  });
});
