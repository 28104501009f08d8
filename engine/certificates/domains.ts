/** Domains that users bring to their hosting: said, proved, served, taken away again. */
import { randomBytes } from 'node:crypto';
import type { Domain } from '../model/hosting';
import type { User } from '../model/account';
import { EngineError } from '../base/errors';
import { livingHosting, noSuchHosting } from '../hostings';
import { originOf, serviceHosts } from '../base/origins';
import type { Parts } from '../durable';
import { addDomain, type DomainRow, domainsOf, markVerified, removeDomain } from '../store/domains';
import { lockHosting } from '../store/hostings';
import type { Tx } from '../store/database';
import { domainRefusal } from '../base/dns-names';
import { type DomainProof, domainProof, filePath, txtName } from './proof';
import { readHostName } from '../base/typed-names';

/** Of the user's living hosting. @throws hosting_not_found */
export interface Domains {
  list(user: User): Promise<readonly Domain[]>;
  /** Adds one that is yet to be proved; one that is there stays. @throws validation_failed, too_many_domains */
  add(user: User, name: string): Promise<Domain>;
  /** Looks for the proof, and serves the domain when it is there. @throws domain_not_found, domain_not_proved, domain_taken */
  verify(user: User, name: string): Promise<Domain>;
  /** Takes it away with its certificate. @throws domain_not_found */
  remove(user: User, name: string): Promise<void>;
}

/** @param proof  @default asks DNS_SERVERS, and the site that is there now */
export function domains(
  parts: Pick<Parts, 'config' | 'database' | 'routePublisher'>,
  proof: DomainProof = proofOf(parts),
): Domains {
  const { config, database } = parts;
  const find = async (tx: Tx, user: User, name: string): Promise<DomainRow> => {
    const known = await domainsOf(tx, (await livingHosting(tx, user)).id);
    const found = known.find((each) => each.name === (readHostName(name) ?? name));
    if (found === undefined) throw noSuchDomain();
    return found;
  };
  const show = (row: DomainRow): Domain => ({
    name: row.name,
    proved: row.verifiedAt !== null,
    url: `${originOf(config, row.name)}/`,
    record: { name: txtName(row.name), value: row.token },
    file: { path: filePath(row.token), content: row.token },
    createdAt: row.createdAt,
  });
  return {
    list: async (user) => {
      const { id } = await livingHosting(database.direct, user);
      return (await domainsOf(database.direct, id)).map(show);
    },
    add: (user, given) =>
      database.transaction(async (tx) => {
        const name = readHostName(given) ?? given;
        refuse(domainRefusal(name, serviceHosts(config)));
        const { id: hostingId } = await livingHosting(tx, user);
        // two that come together must not both find room; and none comes to a hosting that has just ended
        if (!(await lockHosting(tx, hostingId))) throw noSuchHosting();
        const known = await domainsOf(tx, hostingId);
        const here = known.find((each) => each.name === name);
        if (here === undefined && known.length >= config.DOMAINS_PER_HOSTING)
          throw new EngineError(
            'too_many_domains',
            `A hosting can have ${config.DOMAINS_PER_HOSTING} domains; remove one first`,
          );
        await addDomain(tx, { hostingId, name, token: randomBytes(20).toString('hex') });
        return show(await find(tx, user, name));
      }),
    verify: async (user, name) => {
      const row = await find(database.direct, user, name);
      if (row.verifiedAt !== null) return show(row);
      if (!(await proof.isProved(row.name, row.token)))
        throw new EngineError(
          'domain_not_proved',
          `Found neither a TXT record ${txtName(row.name)} nor a file http://${row.name}${filePath(row.token)} that contains ${row.token}; a new record can take a while to become visible`,
        );
      await database.transaction((tx) => markVerified(tx, row.hostingId, row.name));
      await parts.routePublisher.publish();
      return show(await find(database.direct, user, row.name));
    },
    remove: async (user, name) => {
      const row = await find(database.direct, user, name);
      await database.transaction((tx) => removeDomain(tx, row.hostingId, row.name));
      if (row.verifiedAt !== null) await parts.routePublisher.publish();
    },
  };
}

function proofOf({ config }: Pick<Parts, 'config'>): DomainProof {
  return domainProof({ dnsServers: config.DNS_SERVERS?.split(',') ?? [] });
}

function refuse(reason: ReturnType<typeof domainRefusal>): void {
  if (reason === null) return;
  const message =
    reason === 'reserved'
      ? 'belongs to the service or cannot be owned; use a domain of your own'
      : 'is not a domain name that a certificate can be issued for, such as www.example.org';
  throw new EngineError('validation_failed', message, {
    details: { fields: [{ field: 'domain', message }] },
  });
}

function noSuchDomain(): EngineError {
  return new EngineError('domain_not_found');
}
