/** Which certificates there should be. */
import type { Config } from '../base/config';
import type { CertificateSource } from '../store/certificates';
import { servedDomains } from '../store/domains';
import type { Tx } from '../store/database';
import { allRoutes } from '../store/routes';
import { serviceHosts } from '../base/origins';
import { isDnsName } from '../base/dns-names';

export interface WantedCertificate {
  readonly name: string;
  readonly source: CertificateSource;
  readonly names: readonly string[];
}

/** Names of the two that are not an authority's. */
export const selfSigned = 'self-signed';
export const fromFiles = 'files';

/** Every certificate that the settings, the routes and the domains ask for; none when TLS_MODE is off. */
export async function wantedCertificates(config: Config, tx: Tx): Promise<WantedCertificate[]> {
  const { TLS_MODE, BASE_DOMAIN, ACME_DNS_HOOK } = config;
  if (TLS_MODE === 'off') return [];
  const domains = (await servedDomains(tx)).map(({ name }) => name);
  const own = serviceHosts(config);
  const fallback = { name: selfSigned, source: 'self-signed' as const };
  if (TLS_MODE === 'self-signed') return [{ ...fallback, names: [...own, `*.${BASE_DOMAIN}`, ...domains] }];
  if (TLS_MODE === 'files')
    return [
      { ...fallback, names: own },
      { name: fromFiles, source: 'files', names: own },
    ];
  const acme = (...names: string[]): WantedCertificate => ({ name: names[0] ?? '', source: 'acme', names });
  const hasWildcard = ACME_DNS_HOOK !== undefined;
  const users = hasWildcard ? [] : (await allRoutes(tx)).map(({ username }) => `${username}.${BASE_DOMAIN}`);
  return [
    { ...fallback, names: own },
    hasWildcard ? acme(BASE_DOMAIN, `*.${BASE_DOMAIN}`) : acme(BASE_DOMAIN),
    ...own.filter((host) => host !== BASE_DOMAIN && isDnsName(host)).map((host) => acme(host)),
    ...users.map((host) => acme(host)),
    ...domains.map((host) => acme(host)),
  ];
}
