/** Accounts as rows. */
import { In, IsNull } from 'typeorm';
import { emailKey, emailKeysOf } from '../base/emails';
import type { Role, User } from '../model/account';
import { EngineError } from '../base/errors';
import { type Tx, violatedConstraint } from './database';
import { UserRow } from './entities/user';
import { findLivingHosting } from './hostings';

/** @throws {EngineError} email_taken, username_taken, validation_failed */
export async function insertUser(
  tx: Tx,
  user: { email: string; username: string; passwordHash: string; role?: Role },
): Promise<User> {
  const key = emailKey(user.email);
  if (key === null)
    throw new EngineError(
      'validation_failed',
      'This e-mail address cannot be distinguished from others; use one such as mina@example.com, with only ASCII characters before the @',
    );
  try {
    return toUser(await tx.save(UserRow, { ...user, emailKey: key }));
  } catch (thrown) {
    const constraint = violatedConstraint(thrown);
    if (constraint === 'users_email_key') throw new EngineError('email_taken');
    if (constraint === 'users_username_key') throw new EngineError('username_taken');
    throw thrown;
  }
}

export async function findUser(tx: Tx, id: number): Promise<User | null> {
  const row = await tx.findOneBy(UserRow, { id });
  return row && toUser(row);
}

export async function findUserByName(tx: Tx, username: string): Promise<User | null> {
  const row = await tx.findOneBy(UserRow, { username });
  return row === null ? null : findUser(tx, row.id);
}

export interface Credentials {
  readonly user: User;
  readonly passwordHash: string;
  readonly sessionVersion: number;
}

/** @param typed  an e-mail address as somebody types it */
export async function findCredentials(tx: Tx, typed: string): Promise<Credentials | null> {
  const keys = emailKeysOf(typed);
  const rows = await tx.findBy(UserRow, { emailKey: In(keys), deletedAt: IsNull() });
  const row = rows.sort((a, b) => keys.indexOf(a.emailKey) - keys.indexOf(b.emailKey))[0];
  return row === undefined ? null : toCredentials(row);
}

export async function credentialsOf(tx: Tx, id: number): Promise<Credentials | null> {
  const row = await tx.findOneBy(UserRow, { id });
  return row?.deletedAt === null ? toCredentials(row) : null;
}

/** Stores the hash of the same password at another cost, unless the password was changed meanwhile. */
export async function updateHash(tx: Tx, id: number, before: string, after: string): Promise<void> {
  await tx.update(UserRow, { id, passwordHash: before }, { passwordHash: after });
}

/** Invalidates all access tokens. @returns the new session version; null if the account no longer exists */
export async function endSessions(
  tx: Tx,
  id: number,
  change: { passwordHash?: string } = {},
): Promise<number | null> {
  const [rows]: [{ version: number }[], number] = await tx.query(
    `UPDATE users SET session_version = session_version + 1, password_hash = coalesce($2, password_hash)
     WHERE id = $1 AND deleted_at IS NULL RETURNING session_version AS version`,
    [id, change.passwordHash ?? null],
  );
  return rows[0]?.version ?? null;
}

/** @throws {EngineError} not_found */
export async function setRole(tx: Tx, email: string, role: Role): Promise<User> {
  const found = await findCredentials(tx, email);
  if (found === null)
    throw new EngineError('not_found', `There is no account with the e-mail address ${email}`);
  await tx.update(UserRow, { id: found.user.id }, { role });
  return { ...found.user, role };
}

/**
 * Erases all personal data of an account and invalidates its tokens. The row stays, since ended hostings and operations
 * refer to it; its number is never reused.
 *
 * @throws {EngineError} hosting_exists
 */
export async function deleteUser(tx: Tx, id: number): Promise<void> {
  // accepting a hosting waits for this row
  await tx.query(`SELECT 1 FROM users WHERE id = $1 FOR UPDATE`, [id]);
  if ((await findLivingHosting(tx, id)) !== null) throw new EngineError('hosting_exists');
  await tx.query(
    `UPDATE users SET email = 'deleted.' || id, email_key = 'deleted.' || id, username = 'deleted.' || id, password_hash = '', role = 'user',
       session_version = session_version + 1, deleted_at = clock_timestamp() WHERE id = $1`,
    [id],
  );
  await revokeApiTokens(tx, id);
}

/** Revokes all API tokens of the account. */
export async function revokeApiTokens(tx: Tx, userId: number): Promise<void> {
  await tx.query(
    `UPDATE api_tokens SET revoked_at = clock_timestamp() WHERE user_id = $1 AND revoked_at IS NULL`,
    [userId],
  );
}

function toCredentials(row: UserRow): Credentials {
  return { user: toUser(row), passwordHash: row.passwordHash, sessionVersion: row.sessionVersion };
}

export function toUser({ id, email, username, role, createdAt }: UserRow): User {
  return { id, email, username, role, createdAt };
}
