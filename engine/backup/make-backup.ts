/** Makes a backup of the database as it is at one moment, while everybody goes on working. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Config } from '../base/config';
import { toEngineError } from '../base/errors';
import { ignoreMissing } from '../base/files';
import { projectVersion } from '../base/project';
import { type Bulk, readSnapshot } from '../store/bulk';
import {
  allSequences,
  allTables,
  appliedMigrations,
  lockTables,
  type Table,
  transactionTime,
} from '../store/catalog';
import type { Tx } from '../store/database';
import { allRoutes } from '../store/routes';
import { databaseUrl } from '../store/url';
import { type ArchiveWriter, writeArchive, type WriteOptions } from './archive-writer';
import { countRows } from './count-rows';
import { keyFingerprints } from './fingerprint';
import { format, type Manifest, names, refused } from './manifest';
import { type BackupSummary, summarize } from './summary';
import { withPostgres } from './with-postgres';

export interface BackupOptions extends Pick<WriteOptions, 'existing'> {
  readonly signal: AbortSignal;
}

/**
 * Writes a backup into `file`: the database but for the queue, and what Nginx serves. Keys are not in it.
 *
 * @throws {EngineError} validation_failed when the file exists or there is nothing to back up; disk_full, internal when
 * it cannot be written; database_unavailable
 */
export async function makeBackup(
  config: Config,
  file: string,
  { existing, signal }: BackupOptions,
): Promise<BackupSummary> {
  const started = performance.now();
  try {
    return await withPostgres(config, { missing: 'refuse' }, () =>
      readSnapshot(databaseUrl(config), async (bulk) => {
        const { facts, tables } = await readFacts(config, bulk.tx);
        const mtime = Math.floor(Date.parse(facts.madeAt) / 1000);
        const { result, bytes } = await writeArchive(file, { existing, mtime }, (archive) =>
          fill(archive, { config, bulk, facts, tables, signal }),
        );
        return summarize(result, bytes, started);
      }),
    );
  } catch (thrown) {
    signal.throwIfAborted();
    throw toEngineError(thrown, 'internal', 'The backup could not be made');
  }
}

type Facts = Omit<Manifest, 'tables' | 'parts'>;

/** What is said of the database as a whole; from here on no table goes away. */
async function readFacts(config: Config, tx: Tx): Promise<{ facts: Facts; tables: Table[] }> {
  const migrations = await appliedMigrations(tx);
  if (migrations.length === 0) throw refused('The database is empty: there is nothing to back up');
  const tables = await allTables(tx);
  await lockTables(tx, tables, 'ACCESS SHARE');
  const facts: Facts = {
    product: 'vm-webhoster',
    format,
    version: projectVersion,
    madeAt: await transactionTime(tx),
    migrations,
    keys: keyFingerprints(config),
    sequences: await allSequences(tx),
  };
  return { facts, tables };
}

async function fill(
  archive: ArchiveWriter,
  {
    config,
    bulk,
    facts,
    tables,
    signal,
  }: { config: Config; bulk: Bulk; facts: Facts; tables: readonly Table[]; signal: AbortSignal },
): Promise<Manifest> {
  const parts: Manifest['parts'] = [];
  const add = async (...entry: Parameters<ArchiveWriter['add']>): Promise<void> => {
    parts.push(await archive.add(...entry));
  };
  const counted: Manifest['tables'] = [];
  for (const table of tables) {
    const count = countRows();
    await pipeline(
      bulk.copyOut(table),
      async function* (rows: AsyncIterable<Buffer>) {
        for await (const chunk of rows) {
          count.add(chunk);
          yield chunk;
        }
      },
      createGzip(),
      (packed: AsyncIterable<Buffer>) => add(names.table(table.name), packed),
      { signal },
    );
    counted.push({ name: table.name, columns: [...table.columns], rows: count.rows, bytes: count.bytes });
  }
  await add(names.routes, [json(await allRoutes(bulk.tx))]);
  const served = await readFile(path.join(config.nginxDir, 'nginx.conf')).catch(ignoreMissing);
  if (served !== null) await add(names.nginx, [served]);
  const manifest: Manifest = { ...facts, tables: counted, parts };
  await archive.add(names.manifest, [json(manifest)]);
  return manifest;
}

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}
