/** The hostings of the fake engine, at most one of each user, and who may see them. */
import { type Asker, EngineError, type Hosting, type User } from '../../../engine';
import type { People } from './people';

export interface HostingRecords {
  /** The oldest first. */
  all(): readonly Hosting[];
  add(hosting: Hosting): void;
  of(user: User): Hosting | undefined;
  change(user: User, change: Partial<Hosting>): void;
  remove(user: User): void;
  /** @throws hosting_not_found, also where there is one that the asker may not see */
  visible(asker: Asker, id: string): { readonly hosting: Hosting; readonly owner: User };
}

export function hostingRecords(people: People): HostingRecords {
  const hostingOf = new Map<number, Hosting>();
  const all = (): Hosting[] => [...hostingOf.values()];
  return {
    all,
    add: (hosting) => void hostingOf.set(hosting.userId, hosting),
    of: (user) => hostingOf.get(user.id),
    change: (user, change) => {
      const hosting = hostingOf.get(user.id);
      if (hosting !== undefined) hostingOf.set(user.id, { ...hosting, ...change });
    },
    remove: (user) => void hostingOf.delete(user.id),
    visible: (asker, id) => {
      const hosting = all().find((each) => each.id === id);
      const owner = hosting && people.withId(hosting.userId)?.user;
      const { id: me, role } = person(asker);
      if (hosting === undefined || owner === undefined || (owner.id !== me && role !== 'admin'))
        throw new EngineError('hosting_not_found', 'There is no such hosting');
      return { hosting, owner };
    },
  };
}

export function person(asker: Asker): User {
  if (asker === 'operator') throw new Error('the API never asks as an operator of the machine');
  return asker;
}
