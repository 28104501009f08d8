/** Personal API tokens as their owners see them. */
import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine';
import { EngineError } from '../base/errors';
import type { Database } from '../store/database';
import { insertApiToken, listApiTokens, revokeApiToken } from '../store/sessions';
import { makeApiToken } from './api-tokens';

export function personalTokens(database: Database): Engine['tokens'] {
  return {
    create: async (user, { name, scopes, days }) => {
      if (scopes.includes('admin') && user.role !== 'admin')
        throw new EngineError('forbidden', 'Only an administrator may have a token with the scope admin');
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
      if (!(await revokeApiToken(database.direct, user.id, id)))
        throw new EngineError('token_not_found', 'You have no such API token');
    },
  };
}
