/** What `ip`, `ss` and `nft` print, as data. */
import type { Tap } from './node-care';

interface Link {
  readonly ifname: string;
  readonly address?: string;
  readonly master?: string;
  readonly linkinfo?: { readonly info_slave_data?: { readonly isolated?: boolean } };
}

/** libvirt gives a tap its VM's MAC with `fe` in front, so that the bridge never takes it for its own. */
const tapPrefix = /^fe:/;

/**
 * @param links  of `ip -json -details link show type tun`
 * @param rules  of `nft list ruleset`; null where it cannot be read
 */
export function parseTaps(links: string, rules: string | null): Tap[] {
  return (JSON.parse(links.trim() === '' ? '[]' : links) as Partial<Link>[]).flatMap(
    ({ ifname, address, master, linkinfo }) => {
      if (ifname === undefined || address === undefined || !tapPrefix.test(address)) return [];
      return [
        {
          name: ifname,
          mac: address.replace(tapPrefix, '52:'),
          bridge: master ?? null,
          isolated: linkinfo?.info_slave_data?.isolated ?? false,
          filtered: rules === null ? null : rules.includes(`chain libvirt-I-${ifname} `),
        },
      ];
    },
  );
}

/** Whether libvirt's rules of a network are among the host's; ours, in a table of their own, do not count. */
export function hasNetworkRules(rules: string, bridge: string): boolean {
  // one line for each table's beginning; a rule that names the bridge belongs to the last one
  let isLibvirts = false;
  for (const line of rules.split('\n')) {
    const [, name] = /^table \S+ (\S+) \{/.exec(line) ?? [];
    if (name !== undefined) isLibvirts = !name.startsWith('webhoster_');
    else if (isLibvirts && line.includes(`ifname "${bridge}"`)) return true;
  }
  return false;
}

/** Whether `ss -Hulnp` knows of a server of DHCP that is bound to the bridge. */
export function hasDhcp(sockets: string, bridge: string): boolean {
  return sockets.split('\n').some((line) => line.includes(`%${bridge}:67 `));
}

interface RouteLine {
  readonly dst?: string;
  readonly dev?: string;
}

/** Routes (of `ip -json -4 route show`) that share addresses with a network and do not lead to its own bridge. */
export function overlapping(routes: string, cidr: string, bridge: string): string[] {
  const own = rangeOf(cidr);
  if (own === null) return [];
  return (JSON.parse(routes.trim() === '' ? '[]' : routes) as RouteLine[]).flatMap(({ dst, dev = '?' }) => {
    const other = dst === undefined || dst === 'default' || dev === bridge ? null : rangeOf(dst);
    if (other === null || other.last < own.first || other.first > own.last) return [];
    return [`${dst ?? ''} dev ${dev}`];
  });
}

/** First and last address of `10.90.0.0/22`, of any prefix, or of a single address. */
function rangeOf(text: string): { first: number; last: number } | null {
  const [address = '', prefix = '32'] = text.split('/');
  const octets = address.split('.').map(Number);
  if (octets.length !== 4 || octets.some((octet) => !(octet >= 0 && octet <= 255))) return null;
  const base = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return { first: base, last: base + 2 ** (32 - Number(prefix)) - 1 };
}

/** Where `LIBVIRT_URI` leads to this machine: the directory of libvirt's sockets; null where it leads elsewhere. */
export function socketDirectory(uri: string): string | null {
  if (!/^qemu:\/\/\//.test(uri)) return null;
  const [, socket] = /[?&]socket=([^&]+)/.exec(uri) ?? [];
  return socket === undefined ? '/run/libvirt' : socket.replace(/\/[^/]*$/, '');
}
