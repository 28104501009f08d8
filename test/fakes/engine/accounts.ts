/** Registration, sign-in and the end of sessions and accounts, as the fake engine has them. */
import { randomBytes } from 'node:crypto';
import { type Caller, type Engine, EngineError, type User } from '../../../engine';
import type { Broken } from './broken';
import type { HostingRecords } from './hosting-records';
import { keyOf, type People, type Person } from './people';
import type { KnownTokens } from './tokens';

export interface FakeAccounts {
  readonly asEngineSees: Engine['accounts'];
  /** Ends every session. */
  revokeTokens(): void;
}

export function fakeAccounts({
  people,
  tokens,
  hostings,
  broken,
}: {
  readonly people: People;
  readonly tokens: Pick<KnownTokens, 'find'>;
  readonly hostings: Pick<HostingRecords, 'of'>;
  readonly broken: Broken;
}): FakeAccounts {
  const sessions = new Map<string, string>();
  const signIn = (email: string, user: User) => {
    const accessToken = randomBytes(24).toString('base64url');
    sessions.set(accessToken, keyOf(email));
    return { accessToken, expiresInSeconds: 3600, user };
  };
  const signOut = (email: string): void => {
    for (const [token, of] of sessions) if (of === keyOf(email)) sessions.delete(token);
  };
  const confirmed = ({ user }: Caller, password: string): Person => {
    const person = people.withEmail(user.email);
    if (person?.password !== password) throw new EngineError('wrong_password', 'That is not it');
    return person;
  };
  const asEngineSees: Engine['accounts'] = {
    register: async (given) => {
      broken.at('register');
      return people.add(given);
    },
    login: async ({ email, password }) => {
      broken.at('login');
      const person = people.withEmail(email);
      if (person?.password !== password)
        throw new EngineError('invalid_credentials', 'Wrong e-mail or password');
      return signIn(email, person.user);
    },
    authenticate: async (accessToken) => {
      broken.at('authenticate');
      const token = tokens.find(accessToken);
      const email = token === undefined ? sessions.get(accessToken) : token.user.email;
      const person = people.withEmail(email ?? '');
      if (person === undefined) throw new EngineError('unauthorized', 'The signature does not match');
      const { user } = person;
      if (token !== undefined) return { user, via: { kind: 'token', ...token.made } };
      return { user, via: { kind: 'session', id: accessToken, expiresAt: new Date(Date.now() + 3_600_000) } };
    },
    logout: async ({ user, via }, { everywhere }) => {
      if (everywhere) signOut(user.email);
      else sessions.delete(via.id);
    },
    changePassword: async (caller, { current, next }) => {
      const person = confirmed(caller, current);
      person.password = next;
      signOut(caller.user.email);
      return signIn(caller.user.email, person.user);
    },
    delete: async (caller, { password }) => {
      confirmed(caller, password);
      if (hostings.of(caller.user) !== undefined)
        throw new EngineError('hosting_exists', 'There is a hosting');
      signOut(caller.user.email);
      people.remove(caller.user);
    },
  };
  return {
    asEngineSees,
    revokeTokens: () => {
      sessions.clear();
    },
  };
}

export function fakeUsernames({ retired }: Pick<People, 'retired'>): Engine['usernames'] {
  return {
    release: async (username) => {
      if (!retired.delete(username)) throw new EngineError('not_found', 'It does not rest');
    },
  };
}
