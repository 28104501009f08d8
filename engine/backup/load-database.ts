/**
 * Loads a backup into the database: everything in one transaction, so that a restore that fails has changed nothing.
 * The schema is first brought to where the backup was made, and then on to today's, by the same migrations that an
 * update runs.
 */
import { pipeline } from 'node:stream/promises';
import { EngineError, toEngineError } from '../base/errors';
import { eventConnection } from '../durable';
import { type Bulk, rewrite } from '../store/bulk';
import {
  allSequences,
  allTables,
  countRowsOf,
  dropTables,
  emptyTables,
  isConnected,
  lockTables,
  setSequence,
  type Table,
} from '../store/catalog';
import { applyMigrations, lockMigrations, migrationNames, type Tx } from '../store/database';
import { leaseHolders, revokeLeases } from '../store/leases';
import { recordRestore } from '../store/restores';
import { type Archive, tableRows } from './archive-reader';
import { damaged, type Manifest, newer, refused } from './manifest';

export interface LoadOptions {
  /** What becomes of a database that holds something. */
  readonly existing: 'refuse' | 'replace';
  readonly signal: AbortSignal;
}

/**
 * @returns tables of the backup that are not ours and were left out
 * @throws {EngineError} validation_failed when the backup or the database is not fit for it; database_unavailable;
 * internal when PostgreSQL does not take what is in the backup
 */
export async function loadDatabase(
  url: string,
  { archive, manifest }: { archive: Archive; manifest: Manifest },
  { existing, signal }: LoadOptions,
): Promise<string[]> {
  assertKnown(manifest);
  return rewrite(url, async (bulk) => {
    const { tx } = bulk;
    await lockMigrations(tx);
    await empty(tx, existing);
    await applyMigrations(tx, manifest.migrations);
    const tables = await allTables(tx);
    await loadTables(bulk, tables, archive, manifest, signal);
    await loadSequences(tx, manifest);
    await applyMigrations(tx);
    await revokeLeases(tx);
    await recordRestore(tx, manifest.madeAt);
    signal.throwIfAborted();
    const ours = new Set(tables.map(({ name }) => name));
    return manifest.tables.map(({ name }) => name).filter((name) => !ours.has(name));
  });
}

/** Migrations only ever come after one another: the backup's must be the first ones of ours. */
function assertKnown({ migrations, version }: Manifest): void {
  if (migrations.some((name) => !migrationNames.includes(name))) throw newer(version);
  if (migrations.join() !== migrationNames.slice(0, migrations.length).join())
    throw refused('The backup is of a database schema that is unknown to this product');
}

async function empty(tx: Tx, existing: LoadOptions['existing']): Promise<void> {
  await assertStopped(tx);
  const tables = await allTables(tx);
  if (tables.length === 0) return;
  await lockTables(tx, tables, 'ACCESS EXCLUSIVE');
  const held = await contents(tx, tables);
  if (held.length > 0 && existing === 'refuse')
    throw refused(`The database is not empty (${held.join(', ')}); --replace empties it first`);
  const holders = tables.some(({ name }) => name === 'leases') ? await leaseHolders(tx) : [];
  if (holders.length > 0)
    throw refused(
      `A worker still holds a lease (${holders.join(', ')}); stop the service; after a worker was killed, wait 30 s`,
    );
  await dropTables(tx, tables);
}

/** A service that runs would go on with what it remembers of the database of before. */
async function assertStopped(tx: Tx): Promise<void> {
  if (await isConnected(tx, eventConnection))
    throw refused('The service is running; stop it first (scripts/stop.sh)');
}

/** e.g. `users 12`; the list of migrations is nobody's data. */
async function contents(tx: Tx, tables: readonly Table[]): Promise<string[]> {
  const held: string[] = [];
  for (const { name } of tables.filter((table) => table.name !== 'schema_migrations')) {
    const rows = await countRowsOf(tx, { name });
    if (rows !== '0') held.push(`${name} ${rows}`);
  }
  return held;
}

async function loadTables(
  bulk: Bulk,
  tables: readonly Table[],
  archive: Archive,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  // migrations may have put rows of their own there, and the backup has them as they were
  await emptyTables(bulk.tx, tables);
  for (const table of tables) {
    const from = manifest.tables.find(({ name }) => name === table.name);
    if (from?.columns.join() !== table.columns.join())
      throw refused(`Table ${table.name} of the backup does not match its migrations`);
    const target = bulk.copyIn(table);
    try {
      await pipeline(tableRows(archive, from), target, { signal });
    } catch (thrown) {
      throw loadFailure(table.name, thrown);
    }
    if (target.rowCount !== from.rows) throw damaged(`table ${table.name}`);
  }
}

async function loadSequences(tx: Tx, manifest: Manifest): Promise<void> {
  for (const { name } of await allSequences(tx)) {
    const from = manifest.sequences.find((sequence) => sequence.name === name);
    if (from === undefined) throw damaged('its list of sequences');
    await setSequence(tx, from);
  }
}

/** PostgreSQL quotes the row it did not take, password hash and all: only its code goes on from here. */
function loadFailure(table: string, thrown: unknown): EngineError {
  const error = toEngineError(thrown);
  if (thrown instanceof EngineError || error.code === 'database_unavailable') return error;
  const { code, constraint } = thrown as { code?: string; constraint?: string };
  return new EngineError('internal', `PostgreSQL refused table ${table} of the backup`, {
    cause: new Error([code, constraint].filter((each) => each !== undefined).join(' ') || 'no code'),
  });
}
