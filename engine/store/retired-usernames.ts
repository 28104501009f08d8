/** Usernames that were somebody's; the database notes them by itself when a name is taken from an account. */
import { EngineError } from '../base/errors';
import type { Tx } from './database';

/**
 * Call it in the transaction that has just given the name to an account: whoever waited for a deletion to end sees it.
 *
 * @param days  for which a name rests; 0 for none
 * @throws {EngineError} username_retired
 */
export async function assertNotRetired(tx: Tx, username: string, days: number): Promise<void> {
  const [row]: { freeAt: Date }[] = await tx.query(
    `SELECT retired_at + make_interval(days => $2) AS "freeAt" FROM retired_usernames
     WHERE username = $1 AND retired_at > clock_timestamp() - make_interval(days => $2)`,
    [username, days],
  );
  if (row === undefined) return;
  const day = row.freeAt.toISOString().slice(0, 10);
  throw new EngineError(
    'username_retired',
    `This username belonged to another account until recently, and links still lead to it: choose another, wait until after ${day}, or ask an administrator to release it`,
    { details: { freeAt: row.freeAt.toISOString() } },
  );
}

/** @throws {EngineError} not_found when it does not rest */
export async function releaseUsername(tx: Tx, username: string): Promise<void> {
  const [, count]: [unknown[], number] = await tx.query(`DELETE FROM retired_usernames WHERE username = $1`, [
    username,
  ]);
  if (count === 0)
    throw new EngineError(
      'not_found',
      `The username ${username} is not reserved: no account gave it up recently`,
    );
}
