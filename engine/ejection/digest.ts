/** Checksums of data, whatever order its fields have: jsonb keeps one of its own. */
import { createHash } from 'node:crypto';

/** @returns SHA-256 in hexadecimal */
export function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

export function digestOf(value: unknown): string {
  return sha256(JSON.stringify(value, sorted));
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
