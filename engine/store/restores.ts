/** When this database was restored from a backup. */
import type { Tx } from './database';

/** The time between the making of a backup and its restore: the database does not know what happened in it. */
export interface Gap {
  readonly from: Date;
  readonly to: Date;
}

/** @param backupMadeAt  ISO 8601 */
export async function recordRestore(tx: Tx, backupMadeAt: string): Promise<void> {
  await tx.query(`INSERT INTO restores (backup_made_at) VALUES ($1)`, [backupMadeAt]);
}

export async function gaps(tx: Tx): Promise<Gap[]> {
  return tx.query(`SELECT backup_made_at AS "from", at AS "to" FROM restores`);
}

/** When the backup of the last restore was made; null if the database was never restored. */
export async function restoredFrom(tx: Tx): Promise<Date | null> {
  const [row]: { made: Date }[] = await tx.query(
    `SELECT backup_made_at AS made FROM restores ORDER BY at DESC LIMIT 1`,
  );
  return row?.made ?? null;
}
