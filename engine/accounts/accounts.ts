/** Registration, login, and who a token belongs to. */
import type { Config } from '../config';
import type { Engine } from '../engine';
import { EngineError } from '../errors';
import type { Database } from '../store/database';
import { findCredentials, findUser, insertUser } from '../store/users';
import { hashPassword, passwordMatches } from './passwords';
import { issueToken, verifyToken } from './tokens';

export function accounts(database: Database, config: Config): Engine['accounts'] {
  const tokens = { secret: config.JWT_SECRET, ttlSeconds: config.JWT_TTL_SECONDS };
  // checked for unknown users, so that they take as long as known ones
  const nobody = hashPassword('nobody has this password', config.BCRYPT_COST);
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
      const user = await findUser(database.direct, verifyToken(accessToken, tokens));
      if (user === null) throw new EngineError('unauthorized', 'The access token is not valid; log in again');
      return user;
    },
  };
}
