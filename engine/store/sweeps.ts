/** What sweeps found. */
import type { SweepReport } from '../sweep/findings';
import type { Tx } from './database';

/** How many are kept. */
const kept = 500;

/** Takes the next turn to sweep: true for one of all who ask within the interval. */
export async function takeSweepTurn(tx: Tx, intervalSeconds: number): Promise<boolean> {
  const [rows]: [unknown[], number] = await tx.query(
    `UPDATE sweep_turns SET taken_at = clock_timestamp()
     WHERE taken_at <= clock_timestamp() - $1 * interval '1 s' RETURNING 1`,
    [intervalSeconds],
  );
  return rows.length === 1;
}

export async function recordSweep(tx: Tx, { at, ms, findings }: SweepReport): Promise<void> {
  await tx.query(`INSERT INTO sweeps (at, ms, findings) VALUES ($1, $2, $3)`, [
    at,
    ms,
    JSON.stringify(findings),
  ]);
  await tx.query(`DELETE FROM sweeps WHERE id <= (SELECT max(id) FROM sweeps) - $1`, [kept]);
}
