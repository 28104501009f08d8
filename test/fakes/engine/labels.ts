/** Labels of the fake engine's accounts. */
import { EngineError, type Engine, type User } from '../../../engine';
import type { Records } from './records';

type Labels = Readonly<Record<string, string>>;

export function fakeLabels({ hostings, people }: Pick<Records, 'hostings' | 'people'>): {
  readonly asEngineSees: Engine['labels'];
  readonly of: (user: User) => Labels;
} {
  const labelsOf = new Map<number, Labels>();
  const owner = (username: string): User => {
    const found = people.named(username);
    if (found === undefined) throw new EngineError('not_found', `There is no user ${username}`);
    return found.user;
  };
  const of = (user: User): Labels => labelsOf.get(user.id) ?? {};
  const asEngineSees: Engine['labels'] = {
    of: async (username) => {
      const user = owner(username);
      const { vmName = null, labels: hostingLabels = null } = hostings.of(user) ?? {};
      return { username, labels: of(user), vmName, hostingLabels };
    },
    set: async (username, labels) => {
      const user = owner(username);
      const before = Object.keys(of(user));
      const all = Object.entries(hostings.of(user)?.labels ?? {});
      const own = Object.fromEntries(all.filter(([name]) => !before.includes(name)));
      labelsOf.set(user.id, labels);
      const hosting = hostings.of(user);
      if (hosting !== undefined) hostings.change(hosting.id, { labels: { ...own, ...labels } });
      return asEngineSees.of(username);
    },
  };
  return { asEngineSees, of };
}
