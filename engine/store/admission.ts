/** What decides whether a user's create is accepted, and when its turn comes. */
import { EngineError } from '../base/errors';
import type { Tx } from './database';
import { endedStatuses } from './hostings';
import { unfinishedStatuses } from './operations';

export interface Admission {
  readonly hasHosting: boolean;
  /** Operations of theirs that have not ended. */
  readonly unfinished: number;
  /** That an administrator gave to the account. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of the hosting that they had last. */
  readonly lastLabels: Readonly<Record<string, string>> | null;
}

/**
 * Holds the account until the transaction ends: it is not deleted before what is made for it is there.
 *
 * @throws {EngineError} unauthorized when the account is gone
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
