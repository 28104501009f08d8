/** Registration, sign-in and the end of sessions and accounts, as the fake engine has them. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type Caller, type Engine, EngineError, type SignedIn, type User } from '../../../engine';
import { attempted, attemptLimit } from '../../../engine/accounts';
import { memoryLimiter } from '../../../engine/base/limits';
import type { Broken } from './broken';
import type { HostingRecords } from './hosting-records';
import type { People, Person } from './people';
import type { FakeTokens } from './tokens';

interface Session {
  readonly id: string;
  readonly userId: number;
  readonly expiresAt: Date;
}

export interface FakeAccounts {
  readonly asEngineSees: Engine['accounts'];
  /** Ends every session. */
  revokeTokens(): void;
}

const hour = 3_600;

export function fakeAccounts({
  people,
  tokens,
  hostings,
  broken,
}: {
  readonly people: People;
  readonly tokens: FakeTokens;
  readonly hostings: Pick<HostingRecords, 'of'>;
  readonly broken: Broken;
}): FakeAccounts {
  const sessions = new Map<string, Session>();
  const attempts = memoryLimiter(attemptLimit);
  const signIn = (user: User): SignedIn => {
    const accessToken = randomBytes(24).toString('base64url');
    const expiresAt = new Date(Date.now() + hour * 1_000);
    sessions.set(accessToken, { id: randomUUID(), userId: user.id, expiresAt });
    return { accessToken, expiresInSeconds: hour, user };
  };
  const end = (ends: (session: Session) => boolean): void => {
    for (const [token, session] of sessions) if (ends(session)) sessions.delete(token);
  };
  const confirmed = async ({ user }: Caller, password: string, address?: string): Promise<Person> => {
    const person = people.withId(user.id);
    const matches = async () => (person?.password === password ? person : null);
    const found = await attempted(attempts, { account: { id: user.id }, address }, matches);
    if (found === null) throw new EngineError('wrong_password');
    return found;
  };
  const asEngineSees: Engine['accounts'] = {
    register: async (given) => {
      broken.at('register');
      return people.add(given);
    },
    login: async ({ email, password, address }) => {
      broken.at('login');
      const person = people.withEmail(email);
      const account = person === undefined ? { typed: email } : { id: person.user.id };
      const matches = async () => (person?.password === password ? person : null);
      const found = await attempted(attempts, { account, address }, matches);
      if (found === null) throw new EngineError('invalid_credentials');
      return signIn(found.user);
    },
    authenticate: async (accessToken) => {
      broken.at('authenticate');
      const session = sessions.get(accessToken);
      const token = session === undefined ? tokens.use(accessToken) : undefined;
      const user = people.withId(session?.userId ?? token?.userId ?? 0)?.user;
      if (user !== undefined && session !== undefined)
        return { user, via: { kind: 'session', id: session.id, expiresAt: session.expiresAt } };
      if (user !== undefined && token !== undefined)
        return { user, via: { kind: 'token', id: token.id, prefix: token.prefix, scopes: token.scopes } };
      throw new EngineError('unauthorized', 'The access token is not valid; sign in again');
    },
    logout: async ({ user, via }, { everywhere }) => {
      end(({ id, userId }) => (everywhere ? userId === user.id : id === via.id));
    },
    changePassword: async (caller, { current, next, address }) => {
      const person = await confirmed(caller, current, address);
      person.password = next;
      end(({ userId }) => userId === person.user.id);
      return signIn(person.user);
    },
    delete: async (caller, { password, address }) => {
      const { user } = await confirmed(caller, password, address);
      if (hostings.of(user) !== undefined) throw new EngineError('hosting_exists');
      people.remove(user);
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
      if (!retired.delete(username)) throw new EngineError('not_found', `${username} is not reserved`);
    },
  };
}
