import type { NodeSpec } from '../spec';
import { ipv4, mac, reservationList, bridgeName, libvirtName } from './words';
import { both, object, oneOf, refuse, type Check } from './checks';

/** Smallest network that the provider accepts is a /29, the largest that makes sense with fixed addresses a /16. */
const PREFIX = { min: 16, max: 29 };

/** A node's network: every reservation inside the CIDR, none the network's, host's or broadcast address, none twice. */
export const network: Check = both(
  object({
    name: libvirtName,
    bridge: bridgeName,
    cidr: checkCidr,
    egress: oneOf('open', 'none'),
    reservations: reservationList(object({ ip: ipv4, mac })),
  }),
  (value, field) => {
    checkReservations(value as NodeSpec['network'], field);
  },
);

function checkCidr(value: unknown, field: string): void {
  const [address = '', prefix = '', ...rest] = typeof value === 'string' ? value.split('/') : [];
  ipv4(address, field);
  if (!/^\d\d$/.test(prefix) || rest.length > 0) refuse(field, 'is not an IPv4 network');
  if (Number(prefix) < PREFIX.min || Number(prefix) > PREFIX.max) refuse(field, 'must be a /16 to a /29');
  if (toNumber(address) % hosts(prefix) !== 0) refuse(field, 'has bits set beyond its prefix');
}

function checkReservations(spec: NodeSpec['network'], field: string): void {
  const [address = '', prefix = ''] = spec.cidr.split('/');
  const first = toNumber(address);
  const last = first + hosts(prefix) - 1;
  const seen = new Set<string>();
  spec.reservations.forEach((reservation, index) => {
    const name = `${field}.reservations[${index.toString()}]`;
    const ip = toNumber(reservation.ip);
    if (ip <= first + 1 || ip >= last) refuse(`${name}.ip`, 'is not an address for a VM in the network');
    if (seen.has(reservation.ip)) refuse(`${name}.ip`, 'is reserved twice');
    if (seen.has(reservation.mac)) refuse(`${name}.mac`, 'is reserved twice');
    seen.add(reservation.ip).add(reservation.mac);
  });
}

function hosts(prefix: string): number {
  return 2 ** (32 - Number(prefix));
}

function toNumber(ip: string): number {
  return ip.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
