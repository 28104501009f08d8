/**
 * The addresses of the VM network. A MAC is derived from its IP, so each pair is the same for every VM that uses it, and the
 * network can announce all of them from the start.
 */
export interface NetworkCidr {
  /** First address of the network as an unsigned 32-bit number. */
  readonly base: number;
  readonly prefix: number;
}

export interface PoolAddress {
  readonly ip: string;
  readonly mac: string;
}

/** `10.90.0.0/22` as numbers; null unless it is an aligned IPv4 network from /16 to /29. */
export function parseCidr(text: string): NetworkCidr | null {
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\/(\d{1,2})$/.exec(
    text,
  );
  if (match === null) return null;
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = match.slice(1).map(Number);
  if ([a, b, c, d].some((octet) => octet > 255) || prefix < 16 || prefix > 29) return null;
  const base = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  return base % 2 ** (32 - prefix) === 0 ? { base, prefix } : null;
}

/** The network that an address such as `10.90.0.5/22` lies in, in its canonical form; null if the text is no address. */
export function networkAround(text: string): string | null {
  const [, address = '', prefix = ''] = /^((?:\d{1,3}\.){3}\d{1,3})\/(\d{1,2})$/.exec(text) ?? [];
  const octets = address.split('.').map(Number);
  if (address === '' || octets.some((octet) => octet > 255)) return null;
  if (Number(prefix) < 16 || Number(prefix) > 29) return null;
  const size = 2 ** (32 - Number(prefix));
  const base = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return `${toPoolAddress(base - (base % size)).ip}/${prefix}`;
}

let known: { readonly cidr: NetworkCidr; readonly addresses: readonly PoolAddress[] } | null = null;

/** Every address that a VM can get, in order: all except network, gateway (the first) and broadcast. */
export function poolAddresses(cidr: NetworkCidr): readonly PoolAddress[] {
  // each create asks for those of the one network there is, and a /16 has 65,533
  if (known?.cidr.base !== cidr.base || known.cidr.prefix !== cidr.prefix)
    known = { cidr, addresses: allAddresses(cidr) };
  return known.addresses;
}

function allAddresses({ base, prefix }: NetworkCidr): PoolAddress[] {
  const size = 2 ** (32 - prefix);
  return Array.from({ length: size - 3 }, (_, index) => toPoolAddress(base + index + 2));
}

function toPoolAddress(address: number): PoolAddress {
  const octets = [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff);
  // 52:54:00 is QEMU's own prefix; the low three octets of the IP are unique inside a /16 and narrower.
  const mac = ['52', '54', '00', ...octets.slice(1).map((octet) => octet.toString(16).padStart(2, '0'))].join(
    ':',
  );
  return { ip: octets.join('.'), mac };
}
