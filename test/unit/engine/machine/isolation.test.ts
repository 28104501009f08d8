/** What the fences say. That they hold is seen from inside guests: test/system/isolation.test.ts. */
import { fenceOf } from '../../../../engine/machine/isolation/fence';
import { guestFilter } from '../../../../engine/machine/isolation/guest-filter';
import { hostRules, trialRules, withoutTraffic } from '../../../../engine/machine/isolation/host-rules';

const settings = {
  ...{ NETWORK_NAME: 'lab', NETWORK_BRIDGE: 'virbr-lab', NETWORK_CIDR: '10.90.4.0/22' },
  EGRESS_ALLOW: [],
  VM_CONNECTIONS: 1_000,
};
const open = fenceOf({ ...settings, EGRESS: 'open' });
const none = fenceOf({ ...settings, EGRESS: 'none' });

/** What a filter does with frames of one direction, in order. */
function rules(filter: string, direction: 'in' | 'out'): string[] {
  return filter
    .split('\n')
    .filter((line) => line.includes(`direction='${direction}'`))
    .map((line) => {
      const [, action, match] = /action='(\w+)'.*?>(<.*\/>)</.exec(line) ?? [];
      return `${action} ${match}`;
    });
}

describe('a fence', () => {
  it('a fence is named after its network, so that two installations do not share one', () => {
    expect(open).toMatchObject({ filter: 'lab-guests', table: 'webhoster_virbr_lab', gateway: '10.90.4.1' });
    expect(open).toMatchObject({ network: '10.90.4.0', netmask: '255.255.252.0' });
    expect(fenceOf({ ...settings, NETWORK_NAME: 'lab2', EGRESS: 'open' }).filterUuid).not.toBe(
      open.filterUuid,
    );
  });

  it('a fence keeps the UUID of its filter, which libvirt would not let it change', () => {
    expect(none.filterUuid).toBe(open.filterUuid);
    expect(open.filterUuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('the filter of VMs', () => {
  it('the filter of VMs begins with the MAC and ends with dropping everything else, both ways', () => {
    for (const filter of [guestFilter(open), guestFilter(none)]) {
      expect(rules(filter, 'out')[0]).toBe(`drop <mac match='no' srcmacaddr='$MAC'/>`);
      for (const direction of ['in', 'out'] as const)
        expect(rules(filter, direction).at(-1)).toBe('drop <mac/>');
    }
  });

  it('the filter lets VMs with egress reach everything but their own network and multicast groups', () => {
    expect(rules(guestFilter(open), 'out').slice(-4)).toEqual([
      `drop <ip dstipaddr='10.90.4.0' dstipmask='255.255.252.0'/>`,
      `drop <ip dstipaddr='224.0.0.0' dstipmask='224.0.0.0'/>`,
      `accept <ip srcipaddr='$IP'/>`,
      'drop <mac/>',
    ]);
  });

  it('the filter lets VMs without egress reach the host alone', () => {
    for (const rule of rules(guestFilter(none), 'out').filter((each) => each.startsWith('accept')))
      expect(rule).toMatch(/ (dstipaddr|arpdstipaddr)='(10\.90\.4\.1|255\.255\.255\.255)'/);
  });

  it('the filter takes packets to the host’s ephemeral ports for replies', () => {
    const answers = rules(guestFilter(none, { first: 1024, last: 2048 }), 'out').filter(
      (rule) => rule.includes('srcportstart') && rule.includes("protocol='tcp'"),
    );
    expect(answers).toHaveLength(3);
    for (const rule of answers) expect(rule).toContain(`dstportstart='1024' dstportend='2048'`);
  });
});

describe('the host’s rules', () => {
  it('the host’s rules name the bridge and only the network’s own address, so that they hold for all of the host’s addresses', () => {
    const text = hostRules(open);
    expect(text).toContain('iifname != "virbr-lab" accept');
    const [toHost = '', forwarded = ''] = text.split('chain between_guests');
    expect(toHost.match(/ip daddr (?!255\.255\.255\.255|10\.90\.4\.1 )/g)).toBeNull();
    // what goes on to elsewhere is none of the host's
    expect(forwarded.match(/ip daddr (?!\{ 10\.0\.0\.0\/8, )/g)).toBeNull();
    expect(text).toMatch(/ct direction reply accept/);
    expect(text).toMatch(/iifname "virbr-lab" oifname "virbr-lab" counter drop/);
    // libvirt closes this as well, until somebody flushes its rules
    expect(text).toMatch(/^ +oifname "virbr-lab" ct state new counter drop$/m);
  });

  it('the host’s rules close private networks to VMs, except those that are allowed by name', () => {
    const forwarded = (allowed: string[]): string[] =>
      hostRules(fenceOf({ ...settings, EGRESS: 'open', EGRESS_ALLOW: allowed }))
        .split('\n')
        .filter((line) => line.includes('ip daddr') && line.includes('iifname'))
        .map((line) => line.trim());
    const closed =
      'iifname "virbr-lab" ip daddr { 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 } counter drop';
    expect(forwarded([])).toEqual([closed]);
    expect(forwarded(['192.168.7.0/24', '10.1.2.3'])).toEqual([
      'iifname "virbr-lab" ip daddr 192.168.7.0/24 accept',
      'iifname "virbr-lab" ip daddr 10.1.2.3 accept',
      closed,
    ]);
  });

  it('the host’s rules count the connections that each VM opens first of all, unless there is no limit', () => {
    expect(hostRules(open)).toMatch(
      /hook prerouting priority mangle[^]*?ct state new add @connections \{ ip saddr ct count over 1000 \} counter drop/,
    );
    const unlimited = fenceOf({ ...settings, VM_CONNECTIONS: 0, EGRESS: 'open' });
    expect(hostRules(unlimited)).not.toContain('add @connections');
  });

  it('the host’s rules let a VM ask for an address only as itself: each byte of the DHCP client is that of the frame', () => {
    const checks = hostRules(open).match(/udp dport 67 @ll,\d+,8 \. @th,\d+,8 != @same counter drop/g);
    expect(checks).toHaveLength(6);
    const [toHost = ''] = hostRules(open).split('chain between_guests');
    expect(toHost.lastIndexOf('!= @same')).toBeLessThan(toHost.indexOf('udp sport 68 udp dport 67 accept'));
  });

  it('the host’s rules name no type of a set: an older nft crashes on one that a newer one has written', () => {
    expect(hostRules(open)).not.toMatch(/\btype (?!filter\b)/);
    for (const ability of ['counts', 'compares'] as const)
      expect(trialRules(ability)).not.toMatch(/\btype (?!filter\b)/);
  });

  it('the host’s rules leave out what the kernel cannot do, and keep all the rest', () => {
    const weak = hostRules(open, { counts: false, compares: false });
    expect(weak).not.toMatch(/ct count|@same|@ll/);
    expect(weak).toContain('iifname "virbr-lab" oifname "virbr-lab" counter drop');
    expect(weak.match(/limit rate over/g)).toHaveLength(2);
    expect(trialRules('counts')).toContain('ct count');
    expect(trialRules('compares')).toContain('typeof @ll,48,8 . @th,288,8');
  });

  it('the host’s rules look the same whichever VMs have sent packets meanwhile', () => {
    const listed = (elements: string): string => `table inet t {
	set connections {
		typeof ip saddr
		size 65536
		flags dynamic${elements}
	}

	set same {
		typeof @ll,48,8 . @th,288,8
		elements = { 0x0 . 0x0,
			     0x1 . 0x1 }
	}
}`;
    const spoken = listed(
      '\n\t\telements = { 10.90.4.2 ct count over 1000,\n\t\t\t     10.90.4.3 ct count over 1000 }',
    );
    expect(withoutTraffic(spoken)).toBe(withoutTraffic(listed('')));
    expect(withoutTraffic(spoken)).toContain('0x1 . 0x1');
  });

  it('the host’s rules replace the former ones atomically', () => {
    expect(hostRules(open).split('\n').slice(0, 3)).toEqual([
      'table inet webhoster_virbr_lab',
      'delete table inet webhoster_virbr_lab',
      'table inet webhoster_virbr_lab {',
    ]);
  });
});
