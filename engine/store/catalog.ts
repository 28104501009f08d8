/** The contents of the database, read from PostgreSQL itself: a table that a migration adds is in the next backup. */
import type { Tx } from './database';

export interface Table {
  readonly name: string;
  /** In the order of the table, without generated columns, which accept no value. */
  readonly columns: readonly string[];
}

export interface Sequence {
  readonly name: string;
  /** A bigint in decimal. */
  readonly lastValue: string;
  /** False until the first value has been taken; the first value is `lastValue` itself. */
  readonly called: boolean;
}

/**
 * Every table of our schema, each after the tables it refers to.
 *
 * @throws {Error} if tables refer to each other in a cycle: they could not be loaded one after another
 */
export async function allTables(tx: Tx): Promise<Table[]> {
  const tables: Table[] = await tx.query(
    `SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attgenerated = ''
     GROUP BY c.oid ORDER BY c.relname`,
  );
  const references: { from: string; to: string }[] = await tx.query(
    `SELECT f.relname AS from, t.relname AS to FROM pg_constraint k
     JOIN pg_class f ON f.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
     WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace AND f.oid <> t.oid`,
  );
  return inOrder(tables, references);
}

export function inOrder(
  tables: readonly Table[],
  references: readonly { readonly from: string; readonly to: string }[],
): Table[] {
  const ordered: Table[] = [];
  for (let left = [...tables]; left.length > 0;) {
    const waits = ({ name }: Table): boolean =>
      references.some(({ from, to }) => from === name && left.some((other) => other.name === to));
    const ready = left.filter((table) => !waits(table));
    if (ready.length === 0)
      throw new Error(`tables that refer to each other: ${left.map(({ name }) => name).join(', ')}`);
    ordered.push(...ready);
    left = left.filter((table) => !ready.includes(table));
  }
  return ordered;
}

/** Numbers that were taken but not committed count as taken. */
export async function allSequences(tx: Tx): Promise<Sequence[]> {
  const names: { name: string }[] = await tx.query(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S' ORDER BY relname`,
  );
  const sequences: Sequence[] = [];
  for (const { name } of names) {
    const [at]: Omit<Sequence, 'name'>[] = await tx.query(
      `SELECT last_value::text AS "lastValue", is_called AS called FROM ${identifier(name)}`,
    );
    if (at) sequences.push({ name, ...at });
  }
  return sequences;
}

/** The next value is the one after `lastValue`, or `lastValue` itself if it was never taken. */
export async function setSequence(tx: Tx, { name, lastValue, called }: Sequence): Promise<void> {
  await tx.query(`SELECT setval(to_regclass($1), $2, $3)`, [identifier(name), lastValue, called]);
}

/** The names in `schema_migrations`, in the order of their application; empty for an empty database. */
export async function appliedMigrations(tx: Tx): Promise<string[]> {
  const [there]: { found: boolean }[] = await tx.query(
    `SELECT to_regclass('schema_migrations') IS NOT NULL AS found`,
  );
  if (there?.found !== true) return [];
  const rows: { name: string }[] = await tx.query(`SELECT name FROM schema_migrations ORDER BY id`);
  return rows.map(({ name }) => name);
}

/** `ACCESS SHARE`: no table goes away. `ACCESS EXCLUSIVE`: nobody reads or writes. Until the transaction ends. */
export async function lockTables(
  tx: Tx,
  tables: readonly Table[],
  mode: 'ACCESS SHARE' | 'ACCESS EXCLUSIVE',
): Promise<void> {
  await tx.query(`LOCK TABLE ${listed(tables)} IN ${mode} MODE`);
}

export async function dropTables(tx: Tx, tables: readonly Table[]): Promise<void> {
  await tx.query(`DROP TABLE ${listed(tables)}`);
}

export async function emptyTables(tx: Tx, tables: readonly Table[]): Promise<void> {
  await tx.query(`TRUNCATE ${listed(tables)}`);
}

/** A bigint in decimal. */
export async function countRowsOf(tx: Tx, { name }: Pick<Table, 'name'>): Promise<string> {
  const [found]: { rows: string }[] = await tx.query(`SELECT count(*) AS rows FROM ${identifier(name)}`);
  return found?.rows ?? '0';
}

/** Whether a connection of this name is open to our database. */
export async function isConnected(tx: Tx, applicationName: string): Promise<boolean> {
  const found: unknown[] = await tx.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1`,
    [applicationName],
  );
  return found.length > 0;
}

/** When the transaction began, in UTC to the microsecond. */
export async function transactionTime(tx: Tx): Promise<string> {
  const [now]: { at: string }[] = await tx.query(
    `SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
  );
  return now?.at ?? '';
}

/** e.g. `PostgreSQL 17.5`. */
export async function serverVersion(tx: Tx): Promise<string> {
  const [row]: { version: string }[] = await tx.query(`SELECT split_part(version(), ' on ', 1) AS version`);
  return row?.version ?? 'PostgreSQL';
}

function listed(tables: readonly Table[]): string {
  return tables.map(({ name }) => identifier(name)).join(', ');
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
