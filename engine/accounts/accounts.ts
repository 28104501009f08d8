/** Registration, login, who a token belongs to, and how sessions and accounts end. */
import type { Config } from '../base/config';
import type { Caller, SignedIn, User } from '../model/account';
import { EngineError } from '../base/errors';
import type { Limiter } from '../base/limits';
import type { Database } from '../store/database';
import { postgresLimiter } from '../store/limits';
import { type Gap, gaps } from '../store/restores';
import { endSession, findSessionUser, useApiToken } from '../store/sessions';
import {
  type Credentials,
  credentialsOf,
  deleteUser,
  endSessions,
  findCredentials,
  updateHash,
} from '../store/users';
import { hashApiToken, isApiToken } from './api-tokens';
import { attempted, attemptLimit } from './attempts';
import { addAccount, type NamingSettings } from './new-account';
import { hashPassword, isCheaper, passwordMatches } from './passwords';
import { issueToken, type TokenSettings, unauthorized, verifyToken } from './tokens';

export interface Accounts {
  /** @throws email_taken, username_taken, username_retired, validation_failed */
  register(input: { email: string; password: string; username: string }): Promise<User>;
  /**
   * Signs a user in.
   *
   * @param input.address  where the attempt comes from
   * @throws invalid_credentials (the same, after the same time, for unknown users), too_many_attempts
   */
  login(input: { email: string; password: string; address?: string }): Promise<SignedIn>;
  /** Takes access tokens and personal API tokens. @throws unauthorized */
  authenticate(accessToken: string): Promise<Caller>;
  /** Voids the caller's access token, or all of the user's. Personal API tokens stay. */
  logout(caller: Caller, options: { everywhere: boolean }): Promise<void>;
  /** Voids every access token of the user and gives a new one. @throws wrong_password, too_many_attempts */
  changePassword(
    caller: Caller,
    input: { current: string; next: string; address?: string },
  ): Promise<SignedIn>;
  /** @throws wrong_password, too_many_attempts, hosting_exists */
  delete(caller: Caller, input: { password: string; address?: string }): Promise<void>;
}

/** Usernames that rest after their accounts have gone. */
export interface Usernames {
  /** Whoever registers it next gets it. @throws not_found */
  release(username: string): Promise<void>;
}

type AccountSettings = Pick<Config, 'JWT_SECRET' | 'JWT_OLD_SECRETS' | 'JWT_TTL_SECONDS' | 'BCRYPT_COST'> &
  NamingSettings;

/** @param attempts  counts failed ones. @default in the database, for all processes together */
export function accounts(
  database: Database,
  config: AccountSettings,
  attempts: Limiter = postgresLimiter(database.direct, attemptLimit),
): Accounts {
  const { direct } = database;
  const cost = config.BCRYPT_COST;
  const tokens: TokenSettings = {
    secrets: [config.JWT_SECRET, ...config.JWT_OLD_SECRETS],
    ttlSeconds: config.JWT_TTL_SECONDS,
  };
  // checked for unknown users, so that they take as long as known ones
  const nobody = hashPassword('nobody has this password', cost);
  const fromForgottenTime = forgottenTime(database);
  const signIn = ({ user, sessionVersion }: Pick<Credentials, 'user' | 'sessionVersion'>): SignedIn => ({
    accessToken: issueToken({ userId: user.id, sessionVersion }, tokens),
    expiresInSeconds: tokens.ttlSeconds,
    user,
  });
  const confirmed = (caller: Caller, password: string, address?: string): Promise<Credentials> =>
    confirm(database, attempts, caller, password, address);
  return {
    register: async ({ email, password, username }) =>
      addAccount(database, config, { email, username, passwordHash: await hashPassword(password, cost) }),
    login: async ({ email, password, address }) => {
      const known = await findCredentials(direct, email);
      const account = known === null ? { typed: email } : { id: known.user.id };
      const found = await attempted(attempts, { account, address }, async () => {
        const matches = await passwordMatches(password, known?.passwordHash ?? (await nobody));
        return matches ? known : null;
      });
      if (found === null) throw new EngineError('invalid_credentials');
      if (isCheaper(found.passwordHash, cost))
        await updateHash(direct, found.user.id, found.passwordHash, await hashPassword(password, cost));
      return signIn(found);
    },
    authenticate: async (accessToken) => {
      if (isApiToken(accessToken)) return byApiToken(database, accessToken);
      const facts = verifyToken(accessToken, tokens);
      const user = (await fromForgottenTime(facts.issuedAt)) ? null : await findSessionUser(direct, facts);
      if (user === null) throw unauthorized();
      return { user, via: { kind: 'session', id: facts.sessionId, expiresAt: facts.expiresAt } };
    },
    logout: async ({ user, via }, { everywhere }) => {
      if (everywhere) await endSessions(direct, user.id);
      else if (via.kind === 'session') await endSession(direct, via.id, via.expiresAt);
    },
    changePassword: async (caller, { current, next, address }) => {
      const { user } = await confirmed(caller, current, address);
      const passwordHash = await hashPassword(next, cost);
      const sessionVersion = await endSessions(direct, user.id, { passwordHash });
      if (sessionVersion === null) throw unauthorized();
      return signIn({ user, sessionVersion });
    },
    delete: async (caller, { password, address }) => {
      const { user } = await confirmed(caller, password, address);
      await database.transaction((tx) => deleteUser(tx, user.id));
    },
  };
}

/** Whoever sits down at an open session must not be able to take the account. */
async function confirm(
  { direct }: Database,
  attempts: Limiter,
  { user }: Caller,
  password: string,
  address: string | undefined,
): Promise<Credentials> {
  const found = await attempted(attempts, { account: { id: user.id }, address }, async () => {
    const credentials = await credentialsOf(direct, user.id);
    return credentials && (await passwordMatches(password, credentials.passwordHash)) ? credentials : null;
  });
  if (found === null) throw new EngineError('wrong_password');
  return found;
}

async function byApiToken({ direct }: Database, token: string): Promise<Caller> {
  const found = await useApiToken(direct, hashApiToken(token));
  if (found === null) throw unauthorized();
  const { user, id, prefix, scopes } = found;
  return { user, via: { kind: 'token', id, prefix, scopes } };
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
