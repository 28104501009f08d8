/** Personal API tokens as their owners see them. */
import type { ApiToken, TokenScope, User } from '../model/account';
import { randomUUID } from 'node:crypto';
import { EngineError } from '../base/errors';
import type { Database } from '../store/database';
import { insertApiToken, listApiTokens, revokeApiToken } from '../store/sessions';
import { makeApiToken } from './api-tokens';

/** Personal API tokens. */
export interface Tokens {
  /** The token itself is given here and never again. @throws forbidden, quota_exceeded */
  create(
    user: User,
    input: { name: string; scopes: readonly TokenScope[]; days: number },
  ): Promise<{ token: string; made: ApiToken }>;
  /** Those that are good, newest first. */
  list(user: User): Promise<readonly ApiToken[]>;
  /** @throws token_not_found */
  revoke(user: User, id: string): Promise<void>;
}

export function personalTokens(database: Database): Tokens {
  return {
    create: async (user, { name, scopes, days }) => {
      if (scopes.includes('admin') && user.role !== 'admin')
        throw new EngineError('forbidden', 'Only administrators can have a token with the scope admin');
      const { token, prefix, hash } = makeApiToken();
      const made = {
        id: randomUUID(),
        userId: user.id,
        name,
        prefix,
        hash,
        scopes: [...new Set(scopes)],
        days,
      };
      return { token, made: await database.transaction((tx) => insertApiToken(tx, made)) };
    },
    list: (user) => listApiTokens(database.direct, user.id),
    revoke: async (user, id) => {
      if (!(await revokeApiToken(database.direct, user.id, id))) throw new EngineError('token_not_found');
    },
  };
}
