/** Accounts as rows. */
import type { User } from '../engine';
import { EngineError } from '../errors';
import { type Tx, violatedConstraint } from './database';
import { UserRow } from './entities/user';

/** @throws {EngineError} email_taken, username_taken */
export async function insertUser(
  tx: Tx,
  user: { email: string; username: string; passwordHash: string },
): Promise<User> {
  try {
    return toUser(await tx.save(UserRow, user));
  } catch (thrown) {
    const constraint = violatedConstraint(thrown);
    if (constraint === 'users_email_key')
      throw new EngineError('email_taken', 'This e-mail address is already registered');
    if (constraint === 'users_username_key')
      throw new EngineError('username_taken', 'This username is already taken');
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

export async function findCredentials(
  tx: Tx,
  email: string,
): Promise<{ user: User; passwordHash: string } | null> {
  // PostgreSQL takes no NUL in a text
  if (email.includes('\0')) return null;
  const row = await tx
    .createQueryBuilder(UserRow, 'u')
    .where('lower(u.email) = lower(:email)', { email })
    .getOne();
  return row && { user: toUser(row), passwordHash: row.passwordHash };
}

function toUser({ id, email, username, role, createdAt }: UserRow): User {
  return { id, email, username, role, createdAt };
}
