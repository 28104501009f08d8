/**
 * Visits from what Nginx writes down, and connections from the kernel's table: a session is written down only when it
 * ends. The node is this machine, and Nginx is in its network.
 */
import { readFile } from 'node:fs/promises';
import type { Traffic } from './traffic';
import { parseVisits, visitsReader } from './visits-file';

export function nginxTraffic(nginxDir: string): Traffic {
  const read = visitsReader(nginxDir);
  return {
    visits: async () => parseVisits(await read()),
    connected: async () => parseConnections(await readFile('/proc/net/tcp', 'latin1')),
  };
}

/** The ports of a VM that Nginx leads to: SSH and HTTP. */
const ports = [22, 80];
const established = '01';

/** @param table  `/proc/net/tcp`: address and port of both sides in hexadecimal, the address's bytes backwards */
export function parseConnections(table: string): Set<string> {
  const connected = new Set<string>();
  for (const line of table.split('\n').slice(1)) {
    const [, , remote = '', state] = line.trim().split(/\s+/);
    const [address = '', port = ''] = remote.split(':');
    if (state !== established || !ports.includes(parseInt(port, 16))) continue;
    const bytes = address.match(/../g)?.reverse() ?? [];
    connected.add(bytes.map((byte) => parseInt(byte, 16)).join('.'));
  }
  return connected;
}
