import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** A name that no other process ever has, e.g. `web1:4242:1f0c9a3e`. */
export function processName(): string {
  return `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
}
