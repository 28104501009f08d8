/** Every column of the database that holds sealed data. */
import type { Tx } from './database';

/** Table, its key, and the sealed column. A test compares this with the columns of bytes in the schema. */
export const sealedPlaces = [
  { table: 'stacks', key: 'id', column: 'state_sealed' },
  { table: 'ejections', key: 'hosting_id', column: 'state_sealed' },
  { table: 'certificates', key: 'name', column: 'key_sealed' },
  { table: 'acme_accounts', key: 'directory_url', column: 'key_sealed' },
] as const;
export type SealedPlace = (typeof sealedPlaces)[number];

/** Rows whose seal does not begin with the prefix, locked: a writer with a newer state waits and writes after us. */
export function sealedOtherwise(
  tx: Tx,
  { table, key, column }: SealedPlace,
  prefix: Buffer,
  { after, limit }: { after: string | null; limit: number },
): Promise<{ id: string; sealed: Buffer }[]> {
  return tx.query(
    `SELECT ${key}::text AS id, ${column} AS sealed FROM ${table}
     WHERE ${column} IS NOT NULL AND substr(${column}, 1, $2) <> $1 AND ($3::text IS NULL OR ${key}::text > $3)
     ORDER BY ${key}::text LIMIT $4 FOR UPDATE`,
    [prefix, prefix.length, after, limit],
  );
}

export async function replaceSeal(
  tx: Tx,
  { table, key, column }: SealedPlace,
  id: string,
  sealed: Buffer,
): Promise<void> {
  await tx.query(`UPDATE ${table} SET ${column} = $2 WHERE ${key}::text = $1`, [id, sealed]);
}
