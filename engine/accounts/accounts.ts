/** Registration, login, and who a token belongs to. */
import type { Config } from '../config';
import type { Engine } from '../engine';
import { EngineError } from '../errors';
import type { Database } from '../store/database';
import { type Gap, gaps } from '../store/restores';
import { findCredentials, findUser, insertUser } from '../store/users';
import { hashPassword, passwordMatches } from './passwords';
import { issueToken, verifyToken } from './tokens';

export function accounts(database: Database, config: Config): Engine['accounts'] {
  const tokens = { secret: config.JWT_SECRET, ttlSeconds: config.JWT_TTL_SECONDS };
  // checked for unknown users, so that they take as long as known ones
  const nobody = hashPassword('nobody has this password', config.BCRYPT_COST);
  const fromForgottenTime = forgottenTime(database);
  return {
    register: async ({ email, password, username }) =>
      insertUser(database.direct, {
        email,
        username,
        passwordHash: await hashPassword(password, config.BCRYPT_COST),
      }),
    login: async ({ email, password }) => {
      const found = await findCredentials(database.direct, email);
      const matches = await passwordMatches(password, found?.passwordHash ?? (await nobody));
      if (found === null || !matches)
        throw new EngineError('invalid_credentials', 'E-mail address or password is wrong');
      return {
        accessToken: issueToken(found.user.id, tokens),
        expiresInSeconds: tokens.ttlSeconds,
        user: found.user,
      };
    },
    authenticate: async (accessToken) => {
      const { userId, issuedAt } = verifyToken(accessToken, tokens);
      const user = (await fromForgottenTime(issuedAt)) ? null : await findUser(database.direct, userId);
      if (user === null) throw new EngineError('unauthorized', 'The access token is not valid; log in again');
      return user;
    },
  };
}

/**
 * Tells a token that was issued after a backup was made and before it was restored: its user may be one that the
 * database has forgotten, and whose number it has given to somebody else since.
 */
function forgottenTime(database: Database): (issuedAt: Date) => Promise<boolean> {
  // read once: a restore wants every process of the service stopped
  let known: readonly Gap[] | null = null;
  return async (issuedAt) => {
    known ??= await gaps(database.direct);
    // issued at any time within that second
    return known.some(({ from, to }) => issuedAt.getTime() + 1_000 > from.getTime() && issuedAt < to);
  };
}
