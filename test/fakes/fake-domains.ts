/** Domains of users as an engine would keep them, without DNS: what is in `proved` is proved. */
import { type Domain, type Engine, EngineError, type User } from '../../engine';

export class FakeDomains {
  /** @param hostingOf  throws hosting_not_found */
  constructor(private readonly hostingOf: (user: User) => Promise<unknown>) {}

  readonly proved = new Set<string>();
  private readonly domainsOf = new Map<number, Domain[]>();
  readonly asEngineSees: Engine['domains'] = {
    list: async (user) => {
      await this.hostingOf(user);
      return this.domainsOf.get(user.id) ?? [];
    },
    add: async (user, name) => {
      const known = await this.asEngineSees.list(user);
      if (known.length >= 5) throw new EngineError('too_many_domains', 'A hosting can have 5 domains');
      const domain: Domain = {
        name,
        proved: false,
        url: `http://${name}/`,
        record: { name: `_vm-webhoster.${name}`, value: 'token' },
        file: { path: '/.well-known/vm-webhoster/token', content: 'token' },
        createdAt: new Date(),
      };
      this.domainsOf.set(user.id, [...known, domain]);
      return domain;
    },
    verify: async (user, name) => {
      const found = (await this.asEngineSees.list(user)).find((each) => each.name === name);
      if (found === undefined) throw new EngineError('domain_not_found', 'No such domain');
      if (!this.proved.has(name)) throw new EngineError('domain_not_proved', 'No record, no file');
      return { ...found, proved: true };
    },
    remove: async (user, name) => {
      const known = await this.asEngineSees.list(user);
      const left = known.filter((each) => each.name !== name);
      if (left.length === known.length) throw new EngineError('domain_not_found', 'No such domain');
      this.domainsOf.set(user.id, left);
    },
  };
}
