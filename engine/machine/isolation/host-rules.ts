/**
 * The host's own rules for one network, in nftables' language: a table of our own, which a reload of another firewall
 * does not rewrite and in which a packet that is dropped stays dropped, whatever other tables let through.
 */
import type { Fence } from './fence';

/**
 * What is not the outside, whoever owns the machine: private and shared addresses (RFC 1918 and 6598), and link-local
 * ones, where clouds tell a machine its credentials.
 */
const privateNetworks = ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'];

/** As many VMs as a network can have. */
const mostVms = 65_536;

/** What a kernel, or its nft, may be too old for; found out by asking it. */
export interface HostAbilities {
  /** Counting the connections of each VM. */
  readonly counts: boolean;
  /** Holding one part of a packet against another. */
  readonly compares: boolean;
}

export const everyAbility: HostAbilities = { counts: true, compares: true };

/** Puts the whole table, whatever was there, in one transaction. */
export function hostRules(fence: Fence, abilities: HostAbilities = everyAbility): string {
  const { table, bridge, cidr, gateway, allowed } = fence;
  const fromGuest = `iifname "${bridge}"`;
  return `table inet ${table}
delete table inet ${table}
table inet ${table} {
${sets(abilities)}
  chain from_guests {
    type filter hook prerouting priority mangle; policy accept;
    iifname != "${bridge}" accept
    ip saddr != { 0.0.0.0, ${cidr} } counter drop
${connectionLimit(fence, abilities)}  }
  chain to_host {
    type filter hook input priority mangle; policy accept;
    iifname != "${bridge}" accept
    ct state established,related ct direction reply accept
${dhcpLimits(abilities)}    ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
    ip daddr ${gateway} udp sport 68 udp dport 67 accept
${dnsLimits(abilities)}    ip daddr ${gateway} udp dport 53 accept
    ip daddr ${gateway} tcp dport 53 accept
    counter drop
  }
  chain between_guests {
    type filter hook forward priority mangle; policy accept;
    iifname "${bridge}" oifname "${bridge}" counter drop
    oifname "${bridge}" ct state new counter drop
    iifname "${bridge}" meta nfproto ipv6 counter drop
${allowed.map((network) => `    ${fromGuest} ip daddr ${network} accept\n`).join('')}    ${fromGuest} ip daddr { ${privateNetworks.join(', ')} } counter drop
  }
}
`;
}

/**
 * By `typeof`, never by `type`: nft 1.0, which a host may have, crashes at every list of anything while there is a set of a
 * named type that nft 1.1, which a container may have, has made.
 */
function sets({ counts, compares }: HostAbilities): string {
  const perVm = (name: string, key: string): string =>
    `  set ${name} { typeof ${key}; flags dynamic; size ${mostVms}; }\n`;
  return [
    perVm('dhcp_clients', 'ether saddr'),
    perVm('dns_clients', 'ip saddr'),
    ...(counts ? [perVm('connections', 'ip saddr'), perVm('dns_connections', 'ip saddr')] : []),
    ...(compares ? [`  set same { typeof ${pairOf(0)}; elements = { ${sameBytes()} }; }\n`] : []),
  ].join('');
}

/**
 * An entry is made for a connection only when its first packet was let through, so what is over the limit costs none. The
 * machine's table is one for all: who fills it keeps every other VM, and the machine itself, from opening any.
 */
function connectionLimit({ connections }: Fence, { counts }: HostAbilities): string {
  if (!counts || connections === 0) return '';
  // who has no address yet shares it with all who have none, and gets no further than DHCP
  return `    ip saddr != 0.0.0.0 ct state new add @connections { ip saddr ct count over ${connections} } counter drop\n`;
}

const macBytes = [0, 1, 2, 3, 4, 5];

/** A byte of the sender's address in the frame, and the same of the client's in the DHCP message. */
function pairOf(byte: number): string {
  return `@ll,${48 + 8 * byte},8 . @th,${288 + 8 * byte},8`;
}

/** nft compares with what is written down only: all pairs of equal bytes are few enough to be. */
function sameBytes(): string {
  return Array.from({ length: 256 }, (_, byte) => `${byte} . ${byte}`).join(', ');
}

/**
 * The server of DHCP goes by the address in the message, not by the frame's, which the filter pins: a VM could refuse
 * another's address in its name (DHCPDECLINE), and the server would give it to nobody for ten minutes. It writes each
 * question into the machine's log.
 */
function dhcpLimits({ compares }: HostAbilities): string {
  const own = macBytes.map((byte) => `    udp dport 67 ${pairOf(byte)} != @same counter drop\n`);
  return [
    ...(compares ? own : []),
    `    udp dport 67 add @dhcp_clients { ether saddr limit rate over 1/second burst 20 packets } counter drop\n`,
  ].join('');
}

/**
 * dnsmasq has 150 places for questions that it has passed on, and keeps one for up to ten seconds; by TCP it has 20, and
 * keeps one for 150. They are for all VMs.
 */
function dnsLimits({ counts }: HostAbilities): string {
  const byTcp = `    tcp dport 53 ct state new add @dns_connections { ip saddr ct count over 4 } counter drop\n`;
  return [
    `    udp dport 53 add @dns_clients { ip saddr limit rate over 8/second burst 60 packets } counter drop\n`,
    ...(counts ? [byTcp] : []),
  ].join('');
}

/** A table that needs one ability; `nft --check` takes it where the kernel has it. */
export function trialRules(ability: keyof HostAbilities): string {
  const chain = (rule: string): string =>
    `chain trial { type filter hook input priority mangle; policy accept; ${rule}; }`;
  const needing = {
    counts: `set trial { typeof ip saddr; flags dynamic; size 16; }
${chain('ct state new add @trial { ip saddr ct count over 1 } drop')}`,
    compares: `set trial { typeof ${pairOf(0)}; elements = { 0 . 0 }; }
${chain(`udp dport 67 ${pairOf(0)} != @trial drop`)}`,
  };
  return `table inet webhoster_trial {\n${needing[ability]}\n}\n`;
}

/** What `nft list` shows of a table, without what comes and goes with the VMs' packets. */
export function withoutTraffic(listing: string): string {
  return listing.replace(
    /(set \w+ \{\s+typeof [\w ]+\s+size \d+\s+flags dynamic)\s+elements = \{[^}]*\}/g,
    '$1',
  );
}
