/** Nginx as the settings want it, with the certificates that there are. */
import { type Config, expandPorts } from '../base/config';
import { apiUrlOf, serviceHosts } from '../base/origins';
import { systemClock } from '../base/clock';
import type { SecretBox } from '../base/secret-box';
import type { Measures } from '../durable';
import { keepsSpares } from '../hostings';
import { nginxUser } from '../machine/nginx/control';
import { serviceFacts } from '../machine/nginx/landing-page';
import { hasIpv6 } from '../machine/nginx/listening';
import { nginxProxy } from '../machine/nginx/nginx';
import { nginxModules } from '../machine/nginx/nginx-modules';
import type { Proxy } from '../machine/nginx/proxy';
import { defaultLimits, type HttpsSettings } from '../machine/nginx/proxy-settings';
import type { Database } from '../store/database';
import { readSite } from './read-site';

export function openProxy(
  config: Config,
  { database, box, measures }: { database: Database; box: SecretBox; measures: Measures },
): Proxy {
  return nginxProxy({
    program: config.NGINX_BIN,
    dir: config.nginxDir,
    httpPort: config.HTTP_PORT,
    baseDomain: config.BASE_DOMAIN,
    ...nginxModules(),
    user: nginxUser(),
    api:
      config.API_BACKENDS === undefined
        ? null
        : { host: config.API_HOST, port: config.API_PORT, backends: expandPorts(config.API_BACKENDS) },
    control: config.NGINX_CONTROL,
    countsVisits: config.SLEEP_AFTER_MINUTES > 0,
    findsNew: keepsSpares(config),
    clock: systemClock,
    limits: {
      headerKiB: config.HEADERS_MAX_KIB,
      uploadMiB: config.UPLOAD_MAX_MIB,
      answerSeconds: config.ANSWER_TIMEOUT_SECONDS,
      idleSeconds: config.IDLE_TIMEOUT_SECONDS,
      requestSeconds: defaultLimits.requestSeconds,
      drainSeconds: config.WEB_DRAIN_SECONDS,
      visitorConnections: config.CONNECTIONS_PER_VISITOR,
      hostingConnections: config.CONNECTIONS_PER_HOSTING,
      sshConnections: config.SSH_CONNECTIONS_PER_VISITOR,
    },
    trustedProxies: config.TRUSTED_PROXIES,
    publicHost: config.PUBLIC_HOST,
    ipv6: hasIpv6(),
    https: httpsSettings(config),
    site: () => readSite(config, box, database.direct),
    onReload: (outcome, ms) => measures.observe('nginx_reloads', { outcome }, ms / 1000),
    apiUrl: apiUrlOf(config),
    pages: serviceFacts(config),
  });
}

function httpsSettings(config: Config): HttpsSettings | null {
  const { TLS_MODE, HTTPS_PORT, API_PORT, API_HTTPS_PORT, HTTPS_REDIRECT, HSTS_SECONDS } = config;
  if (TLS_MODE === 'off') return null;
  return {
    port: HTTPS_PORT,
    api: API_HTTPS_PORT === undefined ? null : { port: API_PORT, httpsPort: API_HTTPS_PORT },
    redirect: HTTPS_REDIRECT,
    hstsSeconds: HSTS_SECONDS,
    serviceHosts: serviceHosts(config),
  };
}
