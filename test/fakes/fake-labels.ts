/** Labels of the fake engine's accounts. */
import { EngineError, type Engine, type Hosting, type User } from '../../engine';

type Labels = Readonly<Record<string, string>>;

export function fakeLabels(engine: {
  readonly userOf: (username: string) => User | undefined;
  readonly hostingOf: (user: User) => Hosting | undefined;
  readonly change: (user: User, labels: Labels) => void;
}): { readonly asEngineSees: Engine['labels']; readonly of: (user: User) => Labels } {
  const labelsOf = new Map<number, Labels>();
  const owner = (username: string): User => {
    const user = engine.userOf(username);
    if (user === undefined) throw new EngineError('not_found', `There is no user ${username}`);
    return user;
  };
  const of = (user: User): Labels => labelsOf.get(user.id) ?? {};
  const asEngineSees: Engine['labels'] = {
    of: async (username) => {
      const user = owner(username);
      const hosting = engine.hostingOf(user);
      const hostingLabels = hosting?.labels ?? null;
      return { username, labels: of(user), vmName: hosting?.vmName ?? null, hostingLabels };
    },
    set: async (username, labels) => {
      const user = owner(username);
      const before = Object.keys(of(user));
      const own = Object.entries(engine.hostingOf(user)?.labels ?? {}).filter(
        ([name]) => !before.includes(name),
      );
      labelsOf.set(user.id, labels);
      engine.change(user, { ...Object.fromEntries(own), ...labels });
      return asEngineSees.of(username);
    },
  };
  return { asEngineSees, of };
}
