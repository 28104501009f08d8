/** What a specification's strings and numbers may be. Nothing here admits a character that XML or XSLT treats specially. */
import path from 'node:path';
import { both, integer, list, refuse, text, type Check } from './checks';

/** Terraform evaluates `${…}` and `%{…}` in any string; cdktf finds its own values by `TfToken[`. */
const ACTIVE = /[$%]\{|TfToken\[/;

/** Refuses text that Terraform or cdktf would evaluate, wherever in the specification it stands. */
export function refuseActiveText(value: unknown, field: string): void {
  if (typeof value === 'string' && ACTIVE.test(value)) refuse(field, 'holds a template sequence');
  if (typeof value !== 'object' || value === null) return;
  for (const [key, each] of Object.entries(value)) {
    const name = Array.isArray(value) ? `${field}[${key}]` : field === '' ? key : `${field}.${key}`;
    refuseActiveText(each, name);
  }
}

export const uuid = text(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a lower-case UUID', 36);
export const hostName = text(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'a host name', 63);
export const libvirtName = text(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a libvirt name', 128);
/** Linux allows an interface's name 15 characters. */
export const bridgeName = text(/^[A-Za-z][A-Za-z0-9_.-]*$/, 'a bridge name', 15);
export const libvirtUri = text(
  /^qemu(\+(unix|ssh|tls|tcp))?:\/\/[A-Za-z0-9@._:-]*\/(system|session)(\?[A-Za-z0-9_=&./:-]*)?$/,
  'a libvirt URI',
  512,
);
export const kernelCommandLine = text(/^[A-Za-z0-9._,:;=/@+~ -]*$/, 'a kernel command line', 2048);
/** The second hexadecimal digit is even: libvirt refuses multicast addresses. */
export const mac = text(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, 'a lower-case unicast MAC address', 17);
export const ipv4 = text(
  /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/,
  'an IPv4 address',
  15,
);
export const groupId = integer(0, 2 ** 31 - 1);

export const filePath: Check = both(
  text(/^\/[A-Za-z0-9._@+/-]+$/, 'an absolute path', 1024),
  (value, field) => {
    if (path.posix.normalize(value as string) !== value) refuse(field, 'is not a normalized path');
  },
);

/** Free text, in any script: all but control characters (tab and newline are fine) and broken Unicode. */
export function document(maxLength: number): Check {
  return text(/^(?:(?![\p{Cc}\p{Cs}])[^]|[\t\n])*$/u, 'plain text', maxLength);
}

/** At most what a /16 has room for. */
export const reservationList = (entry: Check): Check => list(entry, { min: 1, max: 65_533 });
