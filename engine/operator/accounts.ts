/**
 * What whoever operates the machine does to accounts, tokens and keys, with or without a service that runs. Each change
 * leaves a record in the audit log.
 */
import { addAccount, hashPassword, personalTokens, type Tokens } from '../accounts';
import { audit, recorder } from '../audit';
import type { ApiToken, Role, User } from '../model/account';
import type { AuditEntry, AuditFilter } from '../model/audit';
import type { Parts } from '../durable';
import { EngineError } from '../base/errors';
import { rotateKeys, type Rotation } from './rotate-keys';
import { lowerAscii } from '../base/typed-names';
import { listApiTokens } from '../store/sessions';
import { releaseUsername } from '../store/retired-usernames';
import { endSessions, findCredentials, revokeApiTokens, setRole } from '../store/users';

export interface SignedOut {
  readonly user: User;
  /** API tokens that were good: revoked by this, or still good. */
  readonly apiTokens: number;
}

export interface Administration {
  /** @throws email_taken (with the way to make that account an administrator), username_taken, username_retired */
  createAdmin(input: { email: string; username: string; password: string }): Promise<User>;
  /** Frees a username that rests after its account has gone. @throws not_found */
  releaseUsername(username: string): Promise<void>;
  /** @throws not_found */
  setRole(email: string, role: Role): Promise<User>;
  /** Voids every access token of the account, and on request its API tokens. @throws not_found */
  signOut(email: string, options: { readonly apiTokens: 'stay' | 'revoke' }): Promise<SignedOut>;
  /** @throws not_found, forbidden, quota_exceeded */
  createToken(
    email: string,
    input: Parameters<Tokens['create']>[1],
  ): Promise<{ token: string; made: ApiToken }>;
  /** @throws not_found */
  listTokens(email: string): Promise<readonly ApiToken[]>;
  /** @throws not_found, token_not_found */
  revokeToken(email: string, id: string): Promise<void>;
  listAudit(filter: AuditFilter): Promise<readonly AuditEntry[]>;
  rotateKeys(options: Parameters<typeof rotateKeys>[1]): Promise<Rotation>;
}

/** @param who  the name of whoever gives the commands */
export function administration(
  parts: Pick<Parts, 'config' | 'database' | 'log' | 'secretBox'>,
  who: string,
): Administration {
  const { config, database } = parts;
  const { direct } = database;
  const tokens = personalTokens(database);
  const log = audit(database);
  const audited = recorder(parts, who);
  const userOf = async (typed: string): Promise<User> => {
    const found = await findCredentials(direct, typed);
    if (found === null)
      throw new EngineError('not_found', `There is no account with the e-mail address ${typed.trim()}`);
    return found.user;
  };
  return {
    createAdmin: ({ email, username, password }) =>
      audited('admin create', username, async () => {
        const known = await findCredentials(direct, email);
        if (known !== null)
          throw new EngineError(
            'email_taken',
            `This e-mail address belongs to ${known.user.username}; \`webhoster admin grant ${known.user.email}\` makes that account an administrator`,
          );
        const passwordHash = await hashPassword(password, config.BCRYPT_COST);
        return addAccount(database, config, { email, username, passwordHash, role: 'admin' });
      }),
    releaseUsername: (typed) => {
      const username = lowerAscii(typed.trim());
      return audited('username release', username, () => releaseUsername(direct, username));
    },
    setRole: async (email, role) => {
      const { id, email: known } = await userOf(email);
      const action = role === 'admin' ? 'admin grant' : 'admin revoke';
      return audited(action, `user ${id}`, () => setRole(direct, known, role));
    },
    signOut: async (email, { apiTokens }) => {
      const user = await userOf(email);
      return audited('admin sign out', `user ${user.id}`, () =>
        database.transaction(async (tx) => {
          await endSessions(tx, user.id);
          const good = await listApiTokens(tx, user.id);
          if (apiTokens === 'revoke') await revokeApiTokens(tx, user.id);
          return { user, apiTokens: good.length };
        }),
      );
    },
    createToken: async (email, input) => {
      const user = await userOf(email);
      return audited('token create', `user ${user.id}`, () => tokens.create(user, input));
    },
    listTokens: async (email) => tokens.list(await userOf(email)),
    revokeToken: async (email, id) => {
      const user = await userOf(email);
      await audited('token revoke', id, () => tokens.revoke(user, id));
    },
    listAudit: (filter) => log.list(filter),
    rotateKeys: (options) => audited('keys rotate', null, () => rotateKeys(parts, options)),
  };
}
