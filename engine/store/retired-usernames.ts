/** Former usernames; a database trigger records them when an account loses its name. */
import { EngineError } from '../base/errors';
import type { Tx } from './database';

/**
 * Call it in the transaction that has just given the name to an account, so that a deletion it waited for is visible.
 *
 * @param days  how long a former name stays reserved; 0 for not at all
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

/** @throws {EngineError} not_found if it is not reserved */
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
