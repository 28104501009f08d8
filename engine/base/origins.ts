/** The origin under which a host is reached from outside: https if it is certain to have a certificate. */
import type { Config } from './config';
import { lowerAscii } from './typed-names';
import { isDnsName } from './dns-names';

/** Without a trailing slash. */
export function originOf(config: Config, host: string): string {
  const { HTTP_PORT, HTTPS_PORT } = config;
  return isEncrypted(config, host)
    ? `https://${host}${HTTPS_PORT === 443 ? '' : `:${HTTPS_PORT}`}`
    : `http://${host}${HTTP_PORT === 80 ? '' : `:${HTTP_PORT}`}`;
}

export function apiUrlOf(config: Config): string {
  const { API_PORT, API_HTTPS_PORT, API_PUBLIC_URL, PUBLIC_HOST, TLS_MODE } = config;
  if (API_PUBLIC_URL !== undefined) return API_PUBLIC_URL;
  return TLS_MODE !== 'off' && API_HTTPS_PORT !== undefined
    ? `https://${PUBLIC_HOST}${API_HTTPS_PORT === 443 ? '' : `:${API_HTTPS_PORT}`}`
    : `http://${PUBLIC_HOST}:${API_PORT}`;
}

/**
 * An authority needs a moment for a new host name, and gives none for an address; http leads to https as soon as
 * there is a certificate, so that is what such a host is shown with.
 */
function isEncrypted({ TLS_MODE, ACME_DNS_HOOK, BASE_DOMAIN, PUBLIC_HOST }: Config, host: string): boolean {
  if (TLS_MODE !== 'acme') return TLS_MODE !== 'off';
  if (host === BASE_DOMAIN || host === PUBLIC_HOST) return isDnsName(host);
  return ACME_DNS_HOOK !== undefined && host.endsWith(`.${BASE_DOMAIN}`);
}

/** Host names and addresses of the service itself; the first is the one that users are given. */
export function serviceHosts({
  PUBLIC_HOST,
  BASE_DOMAIN,
}: Pick<Config, 'PUBLIC_HOST' | 'BASE_DOMAIN'>): string[] {
  return [...new Set([lowerAscii(PUBLIC_HOST).replace(/\.$/, ''), BASE_DOMAIN])];
}
