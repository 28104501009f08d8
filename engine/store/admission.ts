/** What decides whether a user's create is accepted, and when it is its turn. */
import { EngineError } from '../base/errors';
import type { Tx } from './database';
import { endedStatuses } from './hostings';
import { unfinishedStatuses } from './operations';

export interface Admission {
  readonly hasHosting: boolean;
  /** The number of their unfinished operations. */
  readonly unfinished: number;
  /** Labels that an administrator set on the account. */
  readonly labels: Readonly<Record<string, string>>;
  /** Labels of their last hosting. */
  readonly lastLabels: Readonly<Record<string, string>> | null;
}

/**
 * Locks the account until the transaction ends, so that it is not deleted before the rows made for it exist.
 *
 * @throws {EngineError} unauthorized if the account no longer exists
 */
export async function admitUser(tx: Tx, id: number): Promise<Admission> {
  const [admission]: Admission[] = await tx.query(
    `SELECT
       EXISTS (SELECT 1 FROM hostings h WHERE h.user_id = u.id AND h.status <> ALL ($2)) AS "hasHosting",
       (SELECT count(*)::int FROM operations o WHERE o.user_id = u.id AND o.status = ANY ($3)) AS unfinished,
       u.labels,
       (SELECT h.labels FROM hostings h WHERE h.user_id = u.id ORDER BY h.created_at DESC LIMIT 1) AS "lastLabels"
     FROM users u WHERE u.id = $1 AND u.deleted_at IS NULL FOR KEY SHARE OF u`,
    [id, endedStatuses, unfinishedStatuses],
  );
  if (admission === undefined) throw new EngineError('unauthorized', 'The account no longer exists');
  return admission;
}
