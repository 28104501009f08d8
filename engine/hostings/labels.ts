/** Labels of accounts, as an administrator sets them. */
import type { UserLabels } from '../model/account';
import type { Parts } from '../durable';
import { labelsOfUser, setLabelsOfUser } from '../store/labels';

/** Of accounts. The caller must be an administrator or an operator. */
export interface Labels {
  /** @throws not_found */
  of(username: string): Promise<UserLabels>;
  /** In the place of those that the account had. @throws not_found */
  set(username: string, labels: Readonly<Record<string, string>>): Promise<UserLabels>;
}

export function labels({ database }: Pick<Parts, 'database'>): Labels {
  return {
    of: (username) => labelsOfUser(database.direct, username),
    set: (username, wanted) => database.transaction((tx) => setLabelsOfUser(tx, username, wanted)),
  };
}
