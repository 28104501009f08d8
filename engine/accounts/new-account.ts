/** What every new account must pass, whoever makes it. What its name looks like is judged where it comes in. */
import type { Config } from '../base/config';
import type { User } from '../model/account';
import { EngineError } from '../base/errors';
import type { Database } from '../store/database';
import { assertNotRetired } from '../store/retired-usernames';
import { insertUser } from '../store/users';
import { serviceHosts } from '../base/origins';

export type NamingSettings = Pick<
  Config,
  'BASE_DOMAIN' | 'PUBLIC_HOST' | 'CORS_ORIGINS' | 'USERNAME_REST_DAYS'
>;

/** @throws {EngineError} email_taken, username_taken, username_retired, validation_failed */
export function addAccount(
  database: Database,
  config: NamingSettings,
  account: Parameters<typeof insertUser>[1],
): Promise<User> {
  assertNotOurs(account.username, config);
  return database.transaction(async (tx) => {
    const user = await insertUser(tx, account);
    await assertNotRetired(tx, account.username, config.USERNAME_REST_DAYS);
    return user;
  });
}

/** A name is a host name below BASE_DOMAIN, and the service or its web interface may have one there too. */
function assertNotOurs(username: string, config: NamingSettings): void {
  const { BASE_DOMAIN, CORS_ORIGINS } = config;
  const hosts = [...serviceHosts(config), ...CORS_ORIGINS.map((origin) => new URL(origin).hostname)];
  const own = `${username}.${BASE_DOMAIN}`;
  if (!hosts.some((host) => host === own || host.endsWith(`.${own}`))) return;
  const message = 'is a host name of this service; choose another';
  throw new EngineError('validation_failed', `The username ${username} ${message}`, {
    details: { fields: [{ field: 'username', message }] },
  });
}
