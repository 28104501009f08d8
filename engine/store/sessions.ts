/** Which access tokens are still valid, and the personal API tokens. */
import type { ApiToken, TokenScope, User } from '../model/account';
import { EngineError } from '../base/errors';
import type { Tx } from './database';
import { UserRow } from './entities/user';
import { prepared } from './prepared';
import { toUser } from './users';

const sessionUser = {
  name: 'user of a session',
  text: `SELECT u.id, u.email, u.username, u.role, u.created_at AS "createdAt" FROM users u
    WHERE u.id = $1 AND u.session_version = $2 AND u.deleted_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM ended_sessions e WHERE e.id = $3)`,
};

/**
 * The user of a session, if the session has not been ended and the account exists; otherwise null.
 *
 * @param tx  the plain pool
 */
export async function findSessionUser(
  tx: Tx,
  session: { userId: number; sessionVersion: number; sessionId: string },
): Promise<User | null> {
  // beyond PostgreSQL's integer there is no user and no version
  if (session.userId > 2_147_483_647 || Math.abs(session.sessionVersion) > 2_147_483_647) return null;
  const [user] = await prepared<User>(tx, sessionUser, [
    session.userId,
    session.sessionVersion,
    session.sessionId,
  ]);
  return user ?? null;
}

export async function endSession(tx: Tx, sessionId: string, expiresAt: Date): Promise<void> {
  await tx.query(`INSERT INTO ended_sessions (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, [
    sessionId,
    expiresAt,
  ]);
}

/** Deletes sessions whose tokens have expired: those are refused without a record. */
export async function forgetEndedSessions(tx: Tx): Promise<void> {
  await tx.query(`DELETE FROM ended_sessions WHERE expires_at < clock_timestamp() - interval '1 minute'`);
}

const columns = `id, user_id AS "userId", name, prefix, scopes, created_at AS "createdAt", expires_at AS "expiresAt",
  last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"`;

/** The maximum number of valid tokens per user. */
export const mostApiTokens = 50;

/** @throws {EngineError} quota_exceeded */
export async function insertApiToken(
  tx: Tx,
  token: Pick<ApiToken, 'id' | 'userId' | 'name' | 'prefix' | 'scopes'> & { hash: Buffer; days: number },
): Promise<ApiToken> {
  // two at once would each count the others alone
  await tx.query(`SELECT 1 FROM users WHERE id = $1 FOR UPDATE`, [token.userId]);
  const [count]: { good: number }[] = await tx.query(
    `SELECT count(*)::integer AS good FROM api_tokens
     WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > clock_timestamp()`,
    [token.userId],
  );
  if ((count?.good ?? 0) >= mostApiTokens)
    throw new EngineError('quota_exceeded', `You already have ${mostApiTokens} API tokens; revoke one first`);
  const [row]: ApiToken[] = await tx.query(
    `INSERT INTO api_tokens (id, user_id, name, prefix, hash, scopes, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(days => $7)) RETURNING ${columns}`,
    [token.id, token.userId, token.name, token.prefix, token.hash, token.scopes, token.days],
  );
  if (row === undefined) throw new Error('the token was not inserted');
  return row;
}

/** Valid tokens, newest first. */
export function listApiTokens(tx: Tx, userId: number): Promise<ApiToken[]> {
  return tx.query(
    `SELECT ${columns} FROM api_tokens
     WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > clock_timestamp() ORDER BY created_at DESC, id`,
    [userId],
  );
}

/** @returns false if this user has no such valid token */
export async function revokeApiToken(tx: Tx, userId: number, id: string): Promise<boolean> {
  const [, count]: [unknown, number] = await tx.query(
    `UPDATE api_tokens SET revoked_at = clock_timestamp()
     WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > clock_timestamp()`,
    [id, userId],
  );
  return count > 0;
}

/** @returns the token's user and scopes; null if the token is not valid */
export async function useApiToken(
  tx: Tx,
  hash: Buffer,
): Promise<{ user: User; id: string; prefix: string; scopes: readonly TokenScope[] } | null> {
  const [row]: { id: string; prefix: string; scopes: TokenScope[]; userId: number; stale: boolean }[] =
    await tx.query(
      `SELECT t.id, t.prefix, t.scopes, t.user_id AS "userId",
         coalesce(t.last_used_at < clock_timestamp() - interval '1 minute', true) AS stale
       FROM api_tokens t JOIN users u ON u.id = t.user_id
       WHERE t.hash = $1 AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp() AND u.deleted_at IS NULL`,
      [hash],
    );
  if (row === undefined) return null;
  // to the minute: a script that asks all the time must not write all the time
  if (row.stale)
    await tx.query(`UPDATE api_tokens SET last_used_at = clock_timestamp() WHERE id = $1`, [row.id]);
  const user = await tx.findOneBy(UserRow, { id: row.userId });
  return user && { user: toUser(user), id: row.id, prefix: row.prefix, scopes: row.scopes };
}
