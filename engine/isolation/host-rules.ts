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

/** Puts the whole table, whatever was there, in one transaction. */
export function hostRules({ table, bridge, gateway, allowed }: Fence): string {
  const fromGuest = `iifname "${bridge}"`;
  return `table inet ${table}
delete table inet ${table}
table inet ${table} {
  chain to_host {
    type filter hook input priority mangle; policy accept;
    iifname != "${bridge}" accept
    ct state established,related ct direction reply accept
    ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
    ip daddr ${gateway} udp sport 68 udp dport 67 accept
    ip daddr ${gateway} udp dport 53 accept
    ip daddr ${gateway} tcp dport 53 accept
    counter drop
  }
  chain between_guests {
    type filter hook forward priority mangle; policy accept;
    iifname "${bridge}" oifname "${bridge}" counter drop
    iifname "${bridge}" meta nfproto ipv6 counter drop
${allowed.map((network) => `    ${fromGuest} ip daddr ${network} accept\n`).join('')}    ${fromGuest} ip daddr { ${privateNetworks.join(', ')} } counter drop
  }
}
`;
}
