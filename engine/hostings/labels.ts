/** Labels of accounts, as an administrator sets them. */
import type { Engine } from '../engine';
import type { Parts } from '../durable/parts';
import { labelsOfUser, setLabelsOfUser } from '../store/labels';

export function labels({ database }: Pick<Parts, 'database'>): Engine['labels'] {
  return {
    of: (username) => labelsOfUser(database.direct, username),
    set: (username, wanted) => database.transaction((tx) => setLabelsOfUser(tx, username, wanted)),
  };
}
