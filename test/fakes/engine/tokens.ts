/** The personal API tokens of the fake engine. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type ApiToken, type Engine, EngineError, type User } from '../../../engine';

interface Known {
  readonly user: User;
  readonly made: ApiToken;
}

export interface KnownTokens {
  readonly asEngineSees: Engine['tokens'];
  find(token: string): Known | undefined;
}

export function fakeTokens(): KnownTokens {
  const known = new Map<string, Known>();
  const asEngineSees: Engine['tokens'] = {
    create: async (user, { name, scopes, days }) => {
      if (scopes.includes('admin') && user.role !== 'admin') throw new EngineError('forbidden', 'No');
      const token = `whk_${randomBytes(32).toString('base64url')}`;
      const createdAt = new Date();
      const made: ApiToken = {
        ...{ id: randomUUID(), userId: user.id, name, prefix: token.slice(0, 12), scopes, createdAt },
        expiresAt: new Date(createdAt.getTime() + days * 86_400_000),
        ...{ lastUsedAt: null, revokedAt: null },
      };
      known.set(token, { user, made });
      return { token, made };
    },
    list: async (user) =>
      [...known.values()]
        .filter(({ made }) => made.userId === user.id)
        .map(({ made }) => made)
        .reverse(),
    revoke: async (user, id) => {
      for (const [token, { made }] of known)
        if (made.id === id && made.userId === user.id) return void known.delete(token);
      throw new EngineError('token_not_found', 'There is no such token');
    },
  };
  return { asEngineSees, find: (token) => known.get(token) };
}
