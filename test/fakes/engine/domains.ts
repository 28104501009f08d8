/** Domains of users as an engine would keep them, without DNS: what is in `proved` is proved. */
import { type Domain, type Engine, EngineError, type User } from '../../../engine';

/** @param hostingOf  throws hosting_not_found */
export function fakeDomains(
  hostingOf: (user: User) => Promise<unknown>,
  proved: ReadonlySet<string>,
): Engine['domains'] {
  const domainsOf = new Map<number, Domain[]>();
  const list = async (user: User): Promise<readonly Domain[]> => {
    await hostingOf(user);
    return domainsOf.get(user.id) ?? [];
  };
  return {
    list,
    add: async (user, name) => {
      const known = await list(user);
      if (known.length >= 5) throw new EngineError('too_many_domains', 'A hosting can have 5 domains');
      const domain: Domain = {
        name,
        proved: false,
        url: `http://${name}/`,
        record: { name: `_vm-webhoster.${name}`, value: 'token' },
        file: { path: '/.well-known/vm-webhoster/token', content: 'token' },
        createdAt: new Date(),
      };
      domainsOf.set(user.id, [...known, domain]);
      return domain;
    },
    verify: async (user, name) => {
      const found = (await list(user)).find((each) => each.name === name);
      if (found === undefined) throw new EngineError('domain_not_found', 'No such domain');
      if (!proved.has(name)) throw new EngineError('domain_not_proved', 'No record, no file');
      return { ...found, proved: true };
    },
    remove: async (user, name) => {
      const known = await list(user);
      const left = known.filter((each) => each.name !== name);
      if (left.length === known.length) throw new EngineError('domain_not_found', 'No such domain');
      domainsOf.set(user.id, left);
    },
  };
}
