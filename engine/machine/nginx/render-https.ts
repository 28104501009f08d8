/** Which server of Nginx has which names and which certificate. A host is redirected only to a certificate that covers it. */
import { createHash } from 'node:crypto';
import { covers } from '../../base/dns-names';
import type { Route } from './proxy';
import type { ProxySettings } from './proxy-settings';
import type { Site, SiteCertificate } from './site';

/** Files are named after what is in them: another certificate makes another configuration. */
export function certificateFile({ chain }: SiteCertificate): string {
  return createHash('sha256').update(chain).digest('hex').slice(0, 32);
}

interface Server {
  readonly names: readonly string[];
  readonly file: string;
  /** Whoever names none of the others. */
  readonly stranger: boolean;
  readonly service: boolean;
  readonly user: boolean;
  readonly host: boolean;
  /** Of a host: whether it is a user's host name, and no domain of their own. */
  readonly isName: boolean;
}

export interface HostsView {
  /** Names of the service itself. */
  readonly serviceHosts: readonly string[];
  /** Under which the service is shown over plain HTTP: its names, this machine's and every address. */
  readonly serviceNames: readonly string[];
  /** Hosts of the service from which a browser is led to users' host names; none where there are no such names. */
  readonly homeHosts: readonly string[];
  readonly namesWork: boolean;
  /** Users whose host name no certificate covers. */
  readonly uncovered: readonly string[];
  readonly everyNameCovered: boolean;
  /** By their whole name: domains that users brought, and users' host names with certificates of their own. */
  readonly hosts: readonly { name: string; ip: string }[];
  readonly plainHosts: readonly string[];
  readonly redirectHosts: readonly string[];
  readonly redirectUsers: boolean;
  /** Of every certificate in use; the first belongs to the service. */
  readonly files: readonly string[];
  readonly servers: readonly Server[];
}

export type HostsSettings = Pick<ProxySettings, 'https' | 'baseDomain' | 'publicHost'>;

/** Who comes by an address, or names no host, comes to the service. */
const addresses = ['""', '~^[0-9.]+$', '~^\\[[0-9a-f:.]+\\]$'];
const local = 'localhost';

export function viewHosts(settings: HostsSettings, routes: readonly Route[], site: Site): HostsView {
  const { https = null, baseDomain } = settings;
  const named = namesOf(settings);
  const namesWork = baseDomain !== local && !baseDomain.endsWith(`.${local}`);
  const home = {
    serviceHosts: named,
    namesWork,
    homeHosts: namesWork ? named.filter((name) => name !== local) : [],
  };
  const domains = site.domains.map(({ name }) => name);
  if (https === null || site.fallback === null)
    return {
      ...home,
      ...plain,
      serviceNames: [...named, ...addresses],
      hosts: site.domains,
      plainHosts: domains,
    };

  const find = certificateFinder(site.certificates);
  const wildcard = find(`*.${baseDomain}`);
  const users =
    wildcard === null ? routes.map(({ username, ip }) => ({ name: `${username}.${baseDomain}`, ip })) : [];
  // without a certificate of its own a user's host name is served as before
  const coveredUsers = users.filter(({ name }) => find(name) !== null);
  const hosts = [...site.domains, ...coveredUsers];
  const covered = [...https.serviceHosts, ...hosts.map(({ name }) => name)].filter(
    (name) => find(name) !== null,
  );
  // the generation is read on 127.0.0.1
  const redirectHosts = https.redirect ? [...new Set(covered)].filter((name) => name !== '127.0.0.1') : [];
  const servers = serversOf(settings, coveredUsers, { ...site, fallback: site.fallback });
  return {
    ...home,
    serviceNames: [...named, ...addresses].filter((name) => !redirectHosts.includes(name)),
    uncovered: users
      .filter(({ name }) => find(name) === null)
      .map(({ name }) => name.slice(0, -baseDomain.length - 1)),
    everyNameCovered: wildcard !== null,
    hosts,
    plainHosts: domains.filter((name) => !https.redirect || find(name) === null),
    redirectHosts,
    redirectUsers: https.redirect && wildcard !== null,
    files: [...new Set(servers.map(({ file }) => file))],
    servers,
  };
}

/** Nothing is encrypted. */
const plain = {
  uncovered: [],
  everyNameCovered: true,
  redirectHosts: [],
  redirectUsers: false,
  files: [],
  servers: [],
};

/** Names of the service itself, the one that users are given first; of addresses none. */
function namesOf({ https = null, baseDomain, publicHost = local }: HostsSettings): string[] {
  const own = [publicHost.toLowerCase(), baseDomain, ...(https?.serviceHosts ?? []), local];
  return [...new Set(own)].filter((name) => !isAddress(name));
}

function serversOf(
  settings: HostsSettings,
  users: HostsView['hosts'],
  { domains, certificates, fallback }: Site & { readonly fallback: SiteCertificate },
): Server[] {
  const { https, baseDomain } = settings;
  const find = certificateFinder(certificates);
  const named = namesOf(settings);
  const first = certificateFile(find(https?.serviceHosts[0] ?? '') ?? fallback);
  const others = byFile(
    named.slice(1).map((name) => ({ name })),
    find,
  );
  const none = { stranger: false, service: false, user: false, host: false, isName: false };
  return [
    { ...none, names: ['_'], file: first, stranger: true },
    {
      ...none,
      names: [...named, ...addresses].filter((name) => !others.some(({ names }) => names.includes(name))),
      file: first,
      service: true,
    },
    {
      ...none,
      names: [`~^(?<username>[a-z][a-z0-9-]+)\\.${baseDomain.replaceAll('.', '\\.')}$`],
      file: certificateFile(find(`*.${baseDomain}`) ?? fallback),
      user: true,
    },
    ...others.map((each) => ({ ...none, ...each, service: true })),
    ...byFile(domains, find).map((each) => ({ ...none, ...each, host: true })),
    ...byFile(users, find).map((each) => ({ ...none, ...each, host: true, isName: true })),
  ];
}

function isAddress(host: string): boolean {
  return /^[0-9.]+$/.test(host);
}

type Find = (host: string) => SiteCertificate | null;

/** One for exactly this name wins over a wildcard. */
function certificateFinder(certificates: readonly SiteCertificate[]): Find {
  const exact = new Map(certificates.flatMap((each) => each.names.map((name) => [name, each] as const)));
  const wild = certificates.flatMap((each) =>
    each.names.filter((name) => name.startsWith('*.')).map((pattern) => ({ pattern, each })),
  );
  return (host) => exact.get(host) ?? wild.find(({ pattern }) => covers(pattern, host))?.each ?? null;
}

function byFile(hosts: readonly { name: string }[], find: Find): { names: string[]; file: string }[] {
  const groups = new Map<string, string[]>();
  for (const { name } of hosts) {
    const certificate = find(name);
    if (certificate === null) continue;
    const file = certificateFile(certificate);
    groups.set(file, [...(groups.get(file) ?? []), name]);
  }
  return [...groups].map(([file, group]) => ({ names: group, file }));
}
