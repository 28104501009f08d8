/** Periodic work that only one of all workers does: the first to come when it is due. */
import type { Tx } from './database';

/** Takes the next turn: true for one caller per interval. */
export async function takeTurn(tx: Tx, name: string, intervalSeconds: number): Promise<boolean> {
  const rows: unknown[] = await tx.query(
    `INSERT INTO turns AS t (name, taken_at) VALUES ($1, clock_timestamp())
     ON CONFLICT (name) DO UPDATE SET taken_at = excluded.taken_at
       WHERE t.taken_at <= clock_timestamp() - $2 * interval '1 s'
     RETURNING 1`,
    [name, intervalSeconds],
  );
  return rows.length === 1;
}
