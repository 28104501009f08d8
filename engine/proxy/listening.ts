/** Where this machine can listen. */
import { existsSync, readFileSync } from 'node:fs';

/** Whether there is any IPv6 address: without one, `[::]` cannot be listened on. */
export function hasIpv6(): boolean {
  const file = '/proc/net/if_inet6';
  return existsSync(file) && readFileSync(file, 'utf8').trim() !== '';
}
