/** Labels that an administrator sets on an account: all hostings of its user carry them, including future ones. */
import type { UserLabels } from '../model/account';
import { EngineError } from '../base/errors';
import type { Tx } from './database';
import { endedStatuses } from './hostings';

type Labels = Readonly<Record<string, string>>;

/** @throws {EngineError} not_found */
export async function labelsOfUser(tx: Tx, username: string): Promise<UserLabels> {
  const [row]: UserLabels[] = await tx.query(
    `SELECT u.username, u.labels, h.vm_name AS "vmName", h.labels AS "hostingLabels"
     FROM users u LEFT JOIN hostings h ON h.user_id = u.id AND h.status <> ALL ($2)
     WHERE u.username = $1 AND u.deleted_at IS NULL`,
    [username, endedStatuses],
  );
  if (row === undefined) throw new EngineError('not_found', `There is no user ${username}`);
  return row;
}

/**
 * Replaces the labels of the account; the hosting keeps the labels that its user set.
 *
 * @throws {EngineError} not_found
 */
export async function setLabelsOfUser(tx: Tx, username: string, labels: Labels): Promise<UserLabels> {
  // a create that is accepted meanwhile waits, and takes the new ones
  await tx.query(`SELECT 1 FROM users WHERE username = $1 FOR UPDATE`, [username]);
  await tx.query(
    `UPDATE hostings h SET labels = h.labels - ARRAY(SELECT jsonb_object_keys(u.labels)) || $2::jsonb
     FROM users u WHERE u.username = $1 AND u.deleted_at IS NULL AND h.user_id = u.id AND h.status <> ALL ($3)`,
    [username, JSON.stringify(labels), endedStatuses],
  );
  await tx.query(`UPDATE users SET labels = $2 WHERE username = $1 AND deleted_at IS NULL`, [
    username,
    JSON.stringify(labels),
  ]);
  return labelsOfUser(tx, username);
}
