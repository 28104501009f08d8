/** Domains of users as an engine would keep them, without DNS: what is in `proved` is proved. */
import { randomBytes } from 'node:crypto';
import {
  type Domain,
  type Engine,
  EngineError,
  type Hosting,
  readHostName,
  type User,
} from '../../../engine';
import { domainRefusal } from '../../../engine/base/dns-names';
import type { Records } from './records';

const most = 5;

export function fakeDomains(
  { hostings }: Pick<Records, 'hostings'>,
  proved: ReadonlySet<string>,
): Engine['domains'] {
  const domainsOf = new Map<string, readonly Domain[]>();
  const living = (user: User): Hosting => {
    const hosting = hostings.of(user);
    if (hosting === undefined) throw new EngineError('hosting_not_found');
    return hosting;
  };
  const listOf = ({ id }: Hosting): readonly Domain[] => domainsOf.get(id) ?? [];
  const keep = ({ id }: Hosting, domains: readonly Domain[]): void =>
    void domainsOf.set(
      id,
      [...domains].sort((one, other) => (one.name < other.name ? -1 : 1)),
    );
  const find = (hosting: Hosting, given: string): { found: Domain; others: readonly Domain[] } => {
    const name = readHostName(given) ?? given;
    const found = listOf(hosting).find((each) => each.name === name);
    if (found === undefined) throw new EngineError('domain_not_found');
    return { found, others: listOf(hosting).filter((each) => each !== found) };
  };
  return {
    list: async (user) => listOf(living(user)),
    add: async (user, given) => {
      const name = readHostName(given) ?? given;
      if (domainRefusal(name, ['localhost']) !== null) throw refused();
      const hosting = living(user);
      const known = listOf(hosting);
      const here = known.find((each) => each.name === name);
      if (here !== undefined) return here;
      if (known.length >= most)
        throw new EngineError('too_many_domains', `A hosting can have ${most} domains`);
      const domain = newDomain(name);
      keep(hosting, [...known, domain]);
      return domain;
    },
    verify: async (user, given) => {
      const hosting = living(user);
      const { found, others } = find(hosting, given);
      const { name } = found;
      if (found.proved) return found;
      if (!proved.has(name))
        throw new EngineError('domain_not_proved', `Neither a record nor a file of ${name}`);
      if (hostings.living().some((each) => listOf(each).some((other) => other.name === name && other.proved)))
        throw new EngineError('domain_taken');
      const verified = { ...found, proved: true };
      keep(hosting, [...others, verified]);
      return verified;
    },
    remove: async (user, given) => {
      const hosting = living(user);
      keep(hosting, find(hosting, given).others);
    },
  };
}

function newDomain(name: string): Domain {
  const token = randomBytes(20).toString('hex');
  return {
    ...{ name, proved: false, url: `http://${name}/`, createdAt: new Date() },
    record: { name: `_vm-webhoster.${name}`, value: token },
    file: { path: `/.well-known/vm-webhoster/${token}`, content: token },
  };
}

function refused(): EngineError {
  const message = 'is not a domain name that a certificate can be issued for';
  return new EngineError('validation_failed', message, {
    details: { fields: [{ field: 'domain', message }] },
  });
}
