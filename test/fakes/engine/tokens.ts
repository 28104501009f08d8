/** The personal API tokens of the fake engine. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type ApiToken, type Engine, EngineError } from '../../../engine';

export interface FakeTokens {
  readonly asEngineSees: Engine['tokens'];
  /** @returns what is known of it; undefined if it is not valid */
  use(token: string): ApiToken | undefined;
}

const most = 50;

export function fakeTokens(): FakeTokens {
  const known = new Map<string, ApiToken>();
  const isGood = ({ expiresAt }: ApiToken): boolean => expiresAt.getTime() > Date.now();
  const goodOf = (userId: number): ApiToken[] =>
    [...known.values()].filter((made) => made.userId === userId && isGood(made));
  const asEngineSees: Engine['tokens'] = {
    create: async (user, { name, scopes, days }) => {
      if (scopes.includes('admin') && user.role !== 'admin')
        throw new EngineError('forbidden', 'Only administrators can have a token with the scope admin');
      if (goodOf(user.id).length >= most)
        throw new EngineError('quota_exceeded', `You already have ${most} API tokens; revoke one first`);
      const token = `whk_${randomBytes(32).toString('base64url')}`;
      const createdAt = new Date();
      const made: ApiToken = {
        ...{ id: randomUUID(), userId: user.id, name, prefix: token.slice(0, 12), createdAt },
        ...{ scopes: [...new Set(scopes)], expiresAt: new Date(createdAt.getTime() + days * 86_400_000) },
        ...{ lastUsedAt: null, revokedAt: null },
      };
      known.set(token, made);
      return { token, made };
    },
    list: async (user) => goodOf(user.id).reverse(),
    revoke: async (user, id) => {
      for (const [token, made] of known)
        if (made.id === id && made.userId === user.id && isGood(made)) return void known.delete(token);
      throw new EngineError('token_not_found');
    },
  };
  return {
    asEngineSees,
    use: (token) => {
      const made = known.get(token);
      if (made === undefined || !isGood(made)) return undefined;
      known.set(token, { ...made, lastUsedAt: new Date() });
      return made;
    },
  };
}
