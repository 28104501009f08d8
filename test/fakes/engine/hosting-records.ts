/** The hostings of the fake engine, those that have ended too, and who may see them. */
import { type Asker, EngineError, type Hosting, type User } from '../../../engine';

export interface HostingRecords {
  /** Those that have not ended, the oldest first. */
  living(): readonly Hosting[];
  add(hosting: Hosting): void;
  find(id: string): Hosting | undefined;
  /** The user's, unless it has ended. */
  of(user: User): Hosting | undefined;
  /** Labels of the user's last one, ended or not. */
  lastLabels(user: User): Hosting['labels'];
  change(id: string, change: Partial<Hosting>): void;
  /**
   * @param id  null for the asker's own
   * @throws hosting_not_found, also where there is one that the asker may not see
   */
  visible(asker: Asker, id: string | null): Hosting;
  /** Behind that one, ended or not; from the beginning without one. */
  behind(id: string | undefined): readonly Hosting[];
}

export function hasEnded({ status }: Pick<Hosting, 'status'>): boolean {
  return status === 'deleted' || status === 'failed' || status === 'ejected';
}

export function hostingRecords(): HostingRecords {
  const byId = new Map<string, Hosting>();
  const living = (): Hosting[] => [...byId.values()].filter((hosting) => !hasEnded(hosting));
  const of = ({ id }: User): Hosting | undefined => living().find(({ userId }) => userId === id);
  return {
    living,
    add: (hosting) => void byId.set(hosting.id, hosting),
    find: (id) => byId.get(id),
    of,
    lastLabels: ({ id }) => [...byId.values()].filter(({ userId }) => userId === id).at(-1)?.labels ?? {},
    change: (id, change) => {
      const hosting = byId.get(id);
      if (hosting !== undefined) byId.set(id, { ...hosting, ...change });
    },
    visible: (asker, id) => {
      const user = person(asker);
      const hosting = id === null ? of(user) : byId.get(id);
      if (hosting !== undefined && (hosting.userId === user.id || user.role === 'admin')) return hosting;
      throw new EngineError('hosting_not_found', 'There is no such hosting');
    },
    behind: (id) => {
      if (id === undefined) return living();
      const all = [...byId.keys()];
      const found = all.indexOf(id);
      return found === -1 ? [] : living().filter((hosting) => all.indexOf(hosting.id) > found);
    },
  };
}

export function person(asker: Asker): User {
  if (asker === 'operator') throw new Error('the API never asks as an operator of the machine');
  return asker;
}
