/** Routes -> the Nginx configuration of pages: by number, by host name, by own domain, and the API's front. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import { templatesDir } from '../project';
import type { Route } from './proxy';
import { doorsIn } from './doors-dir';
import { check, checkLimits, checkNumber, checkPort } from './nginx-values';
import { type HttpsSettings, viewHosts } from './render-https';
import { plainSite, type Site } from './site';
import { untoldNames } from './untold';

export interface ProxySettings {
  /** Directory of configuration, pid, logs and pages. */
  readonly dir: string;
  readonly httpPort: number;
  readonly baseDomain: string;
  /** Where Nginx's stream module is, or null when it is built in. */
  readonly streamModule: string | null;
  /** Where its Lua module is, and what that needs; none when it is built in. */
  readonly luaModules: readonly string[];
  /** Unix user of the workers; null keeps the master's. */
  readonly user: string | null;
  /** Origin of the API, where the service's own pages are. */
  readonly apiUrl: string;
  /** null serves nothing encrypted. @default null */
  readonly https?: HttpsSettings | null;
  /** Writes down each visit to a VM, so that it is known which ones nobody visits. @default false */
  readonly countsVisits?: boolean;
  /** Asks the door who is not among the routes: claims are served before the next reload. @default false */
  readonly findsNew?: boolean;
  /** The API's replicas behind one port of Nginx; null where the API listens there itself. */
  readonly api: ApiFront | null;
  /** @default {@link defaultLimits} */
  readonly limits?: ProxyLimits;
  /** Addresses and networks whose word is taken for where a visitor comes from. @default none */
  readonly trustedProxies?: readonly string[];
  /** The service's own name, which a guest is told where a visitor names no host at all. @default localhost */
  readonly publicHost?: string;
  /** Listens on every IPv6 address as well. @default false */
  readonly ipv6?: boolean;
}

export interface ProxyLimits {
  /** Of the headers of an answer, and of one header of a request. */
  readonly headerKiB: number;
  /** Of what is sent to a VM; 0 sets no limit. */
  readonly uploadMiB: number;
  /** How long a VM may be silent before it answers, and while it does. */
  readonly answerSeconds: number;
  /** The same for WebSockets and streams of events. */
  readonly idleSeconds: number;
  /** How long a visitor may take for the headers of a request. */
  readonly requestSeconds: number;
  /** How long what is under way goes on after a reload. */
  readonly drainSeconds: number;
  /** Requests of one visitor at a time; 0 sets no limit. */
  readonly visitorConnections: number;
  /** Requests to one hosting at a time; 0 sets no limit. */
  readonly hostingConnections: number;
  /** Of one visitor to the SSH of one VM at a time; 0 sets no limit. */
  readonly sshConnections: number;
}

export const defaultLimits: ProxyLimits = {
  headerKiB: 32,
  uploadMiB: 1024,
  answerSeconds: 300,
  idleSeconds: 3600,
  requestSeconds: 10,
  drainSeconds: 600,
  visitorConnections: 512,
  hostingConnections: 1024,
  sshConnections: 20,
};

export interface ApiFront {
  /** Address to listen on; 0.0.0.0 is every one. */
  readonly host: string;
  readonly port: number;
  /** `127.0.0.1:8001` each; one where nobody listens costs nothing. */
  readonly backends: readonly string[];
}

/** Of each worker; a request to a VM takes two. */
const connections = 16_384;
let compiled: HandlebarsTemplateDelegate | undefined;

function compileTemplate(): HandlebarsTemplateDelegate {
  const options = { noEscape: true, strict: true };
  const source = (name: string): string => readFileSync(path.join(templatesDir, 'nginx', name), 'utf8');
  const handlebars = Handlebars.create();
  handlebars.registerPartial('to-guests', handlebars.compile(source('to-guests.conf.hbs'), options));
  handlebars.registerPartial('answers', handlebars.compile(source('answers.lua'), options));
  return handlebars.compile(source('nginx.conf.hbs'), options);
}

/** @param generation  served back on the admin path, so that a reload can be seen to have happened */
export function renderNginx(
  settings: ProxySettings,
  routes: readonly Route[],
  generation: string,
  site: Site = plainSite,
): string {
  compiled ??= compileTemplate();
  const sleepers = routes.flatMap(({ asleep, ip }) =>
    asleep === undefined ? [] : [{ ip: check('ip', ip), id: check('hostingId', asleep) }],
  );
  return compiled({
    dir: check('dir', settings.dir),
    httpPort: checkPort(settings.httpPort),
    httpPortSuffix: settings.httpPort === 80 ? '' : `:${settings.httpPort}`,
    baseDomain: settings.baseDomain,
    domainPattern: check('baseDomain', settings.baseDomain).replaceAll('.', '\\.'),
    luaModules: settings.luaModules.map((file) => check('module', file)),
    user: settings.user && check('user', settings.user),
    apiUrl: check('origin', settings.apiUrl),
    generation: check('generation', generation),
    connections,
    ...renderVisitors(settings),
    challengeThumbprint: site.challengeThumbprint && check('thumbprint', site.challengeThumbprint),
    ...renderHosts(settings, routes, site),
    api: settings.api && {
      host: check('ip', settings.api.host),
      port: checkPort(settings.api.port),
      ipv6: settings.ipv6 === true && settings.api.host === '0.0.0.0',
      backends: settings.api.backends.map((backend) => check('backend', backend)),
    },
    countsVisits: settings.countsVisits ?? false,
    doors: doorsIn(settings.dir),
    someSleep: sleepers.length > 0,
    sleepers,
    findsNew: settings.findsNew ?? false,
    routes: routes.map((route) => ({
      userId: checkNumber(route.userId),
      mapKey: mapKey(check('username', route.username)),
      username: route.username,
      ip: check('ip', route.ip),
    })),
  });
}

/** What a guest hears of its visitors, and how much of them. */
function renderVisitors({
  limits = defaultLimits,
  trustedProxies = [],
  ipv6 = false,
}: ProxySettings): Record<string, unknown> {
  const trusts = trustedProxies.length > 0;
  return {
    limits: checkLimits(limits),
    ipv6,
    trustedProxies: trustedProxies.map((network) => check('network', network)),
    visitedScheme: trusts ? '$visited_scheme' : '$scheme',
    visitedHost: trusts ? '$visited_host' : '$named_host',
    untold: untoldNames(),
  };
}

function renderHosts(settings: ProxySettings, routes: readonly Route[], site: Site): Record<string, unknown> {
  const { https = null, publicHost = 'localhost' } = settings;
  for (const host of [publicHost.toLowerCase(), ...(https?.serviceHosts ?? [])]) check('host', host);
  const view = viewHosts(settings, routes, site);
  const hosts = view.hosts.map(({ name, ip }) => ({ name: check('host', name), ip: check('ip', ip) }));
  const common = { ...view, hosts };
  if (https === null || view.files.length === 0) return { ...common, https: null, hsts: false };
  const { port, api, hstsSeconds } = https;
  return {
    ...common,
    hsts: hstsSeconds > 0,
    https: {
      port: checkPort(port),
      portSuffix: port === 443 ? '' : `:${port}`,
      hstsSeconds,
      servers: view.servers,
      file: view.files[0],
      apiPort: api && checkPort(api.port),
      apiHttpsPort: api && checkPort(api.httpsPort),
    },
  };
}

/**
 * A backslash keeps a map from taking `default`, `include` and its other words for itself. It is doubled because the
 * reader of the file comes first, and to it `\t`, `\r` and `\n` are white space.
 */
function mapKey(username: string): string {
  return `\\\\${username}`;
}
