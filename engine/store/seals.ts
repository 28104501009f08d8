/** Every place of the database where something sealed is kept. */
import type { Tx } from './database';

/** Table and the column that names the stack. A test finds every column of sealed bytes and holds it against this. */
export const sealedPlaces = [
  { table: 'stacks', key: 'id' },
  { table: 'ejections', key: 'hosting_id' },
] as const;
export type SealedPlace = (typeof sealedPlaces)[number];

/** Those that do not begin with the prefix, locked: whoever has a newer state waits, and writes after us. */
export function sealedOtherwise(
  tx: Tx,
  { table, key }: SealedPlace,
  prefix: Buffer,
  { after, limit }: { after: string | null; limit: number },
): Promise<{ id: string; sealed: Buffer }[]> {
  return tx.query(
    `SELECT ${key} AS id, state_sealed AS sealed FROM ${table}
     WHERE state_sealed IS NOT NULL AND substr(state_sealed, 1, $2) <> $1 AND ($3::uuid IS NULL OR ${key} > $3)
     ORDER BY ${key} LIMIT $4 FOR UPDATE`,
    [prefix, prefix.length, after, limit],
  );
}

export async function replaceSeal(
  tx: Tx,
  { table, key }: SealedPlace,
  id: string,
  sealed: Buffer,
): Promise<void> {
  await tx.query(`UPDATE ${table} SET state_sealed = $2 WHERE ${key} = $1`, [id, sealed]);
}
