/** Findings of sweeps. */
import type { Tx } from './database';

/** How many are kept. */
const kept = 500;

interface Sweep {
  readonly at: Date;
  readonly ms: number;
  readonly findings: readonly { readonly kind: string }[];
}

export async function recordSweep(tx: Tx, { at, ms, findings }: Sweep): Promise<void> {
  await tx.query(`INSERT INTO sweeps (at, ms, findings) VALUES ($1, $2, $3)`, [
    at,
    ms,
    JSON.stringify(findings),
  ]);
  await tx.query(`DELETE FROM sweeps WHERE id <= (SELECT max(id) FROM sweeps) - $1`, [kept]);
}
