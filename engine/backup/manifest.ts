/** What a backup says about itself: `manifest.json`, the last but one entry of the archive. */
import { z } from 'zod';
import { EngineError } from '../base/errors';

/** One more for every change that an older version could not read. */
export const format = 1;

/**
 * Every name that an entry can have; an archive with any other is refused. The last entry holds the SHA-256, in hex,
 * of every byte before its own header.
 */
export const names = {
  manifest: 'manifest.json',
  checksum: 'SHA256',
  routes: 'nginx/routes.json',
  nginx: 'nginx/nginx.conf',
  table: (table: string): string => `tables/${table}.copy.gz`,
} as const;
const tableName = /^[a-z_][a-z0-9_]{0,62}$/;
const tablePart = /^tables\/[a-z_][a-z0-9_]{0,62}\.copy\.gz$/;

export function isKnownName(name: string): boolean {
  return Object.values<unknown>(names).includes(name) || tablePart.test(name);
}

const size = z.number().int().min(0);
const fingerprint = z.string().regex(/^[0-9a-f]{16}$/);

const manifest = z.object({
  product: z.literal('vm-webhoster'),
  format: z.literal(format),
  /** Of the product that made it. */
  version: z.string().max(100),
  /** The database as it was at this moment, by its own clock; UTC. */
  madeAt: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
  migrations: z.array(z.string().max(200)).min(1),
  keys: z.object({ STATE_KEY: fingerprint, JWT_SECRET: fingerprint }),
  tables: z.array(
    z.object({
      name: z.string().regex(tableName),
      columns: z.array(z.string().max(63)),
      rows: size,
      /** Uncompressed. */
      bytes: size,
    }),
  ),
  sequences: z.array(
    z.object({ name: z.string().max(63), lastValue: z.string().regex(/^-?\d{1,19}$/), called: z.boolean() }),
  ),
  /** Every entry before this one, with the checksum of its bytes as they stand in the archive. */
  parts: z.array(z.object({ name: z.string(), bytes: size, sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});

export type Manifest = z.output<typeof manifest>;
export type Part = Manifest['parts'][number];

/** @throws {EngineError} validation_failed */
export function parseManifest(content: Buffer): Manifest {
  const json = parseJson(content);
  const { product, format: made, version } = (json ?? {}) as Record<string, unknown>;
  if (product !== 'vm-webhoster') throw refused('This is not a backup of vm-webhoster');
  if (typeof made === 'number' && made > format) throw newer(String(version));
  const parsed = manifest.safeParse(json);
  if (!parsed.success) throw damaged('its manifest', parsed.error);
  return parsed.data;
}

/** The version is the file's own word, so only what looks like one is shown. */
export function newer(version: string): EngineError {
  const name = /^[0-9A-Za-z.+-]{1,40}$/.test(version) ? version : 'unknown';
  return refused(
    `The backup was made by a newer version (${name}) than this one: update first, then restore`,
  );
}

export function damaged(what: string, cause?: unknown): EngineError {
  return refused(`The backup is damaged: ${what} is not as it was written`, cause);
}

export function refused(message: string, cause?: unknown): EngineError {
  return new EngineError('validation_failed', message, { cause });
}

function parseJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (cause) {
    throw damaged('its manifest', cause);
  }
}
