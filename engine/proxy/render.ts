/**
 * Routes -> Nginx configuration. Handlebars escapes HTML, not Nginx, so nothing is escaped here: every value must
 * match its own pattern, and the template is strict.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import { templatesDir } from '../project';
import type { Route } from './proxy';
import { doorsIn } from './doors-dir';
import { type HttpsSettings, viewHosts } from './render-https';
import { plainSite, type Site } from './site';

export interface ProxySettings {
  /** Directory of configuration, pid, logs and pages. */
  readonly dir: string;
  readonly httpPort: number;
  readonly baseDomain: string;
  /** Where Nginx's stream module is, or null when it is built in. */
  readonly streamModule: string | null;
  /** Unix user of the workers; null keeps the master's. */
  readonly user: string | null;
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
  /** What a guest is told of who names no host at all. @default localhost */
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
  /** Of one visitor to the SSH of one VM at a time; 0 sets no limit. */
  readonly sshConnections: number;
}

export const defaultLimits: ProxyLimits = {
  headerKiB: 32,
  uploadMiB: 1024,
  answerSeconds: 300,
  idleSeconds: 3600,
  sshConnections: 20,
};

export interface ApiFront {
  /** Address to listen on; 0.0.0.0 is every one. */
  readonly host: string;
  readonly port: number;
  /** `127.0.0.1:8001` each; one where nobody listens costs nothing. */
  readonly backends: readonly string[];
}

const patterns = {
  dir: /^\/[A-Za-z0-9._/-]+$/,
  baseDomain: /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
  streamModule: /^[A-Za-z0-9._/-]+$/,
  user: /^[a-z_][a-z0-9_-]*$/,
  username: /^[a-z][a-z0-9-]{2,31}$/,
  ip: /^(\d{1,3}\.){3}\d{1,3}$/,
  backend: /^[A-Za-z0-9.-]+:\d{1,5}$/,
  generation: /^([0-9a-f]{16}|@generation@)$/,
  host: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
  hostingId: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  thumbprint: /^[A-Za-z0-9_-]{43}$/,
  publicHost: /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/,
  network: /^[0-9a-fA-F.:]+(\/\d{1,3})?$/,
};

/** Headers by which a proxy tells a guest of the visitor. */
const told = ['X-Real-IP', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Proto'];
const untold = ['Forwarded', 'X-Forwarded-By', 'X-Forwarded-Server', 'X-Forwarded-Ssl', 'X-Forwarded-Scheme'];

/**
 * Names that must not reach a guest: CGI and its kin read an underscore as the dash it looks like, so that a visitor
 * could speak for the proxy.
 */
function untoldNames(): string[] {
  const lookalikes = [...told, 'X-Forwarded-Prefix', ...untold].flatMap((name) =>
    dashesOrUnderscores(name.split('-')),
  );
  return [...untold, ...lookalikes.filter((name) => name.includes('_'))];
}

function dashesOrUnderscores([first = '', ...rest]: readonly string[]): string[] {
  if (rest.length === 0) return [first];
  return dashesOrUnderscores(rest).flatMap((end) => [`${first}-${end}`, `${first}_${end}`]);
}

let compiled: HandlebarsTemplateDelegate | undefined;

function compileTemplate(): HandlebarsTemplateDelegate {
  const options = { noEscape: true, strict: true };
  const source = (name: string): string => readFileSync(path.join(templatesDir, 'nginx', name), 'utf8');
  const handlebars = Handlebars.create();
  handlebars.registerPartial('to-guests', handlebars.compile(source('to-guests.conf.hbs'), options));
  return handlebars.compile(source('nginx.conf.hbs'), options);
}

/**
 * @param generation  served back on the admin path, so that a reload can be seen to have happened
 * @param held  ports that cannot be had
 */
export function renderNginx(
  settings: ProxySettings,
  routes: readonly Route[],
  generation: string,
  site: Site = plainSite,
  held: ReadonlySet<number> = new Set(),
): string {
  compiled ??= compileTemplate();
  const portsAtTheDoor = [
    ...routes.filter(({ asleep }) => asleep !== undefined).map(({ sshPort }) => sshPort),
    ...site.waitingPorts.filter((port) => !routes.some(({ sshPort }) => sshPort === port)),
  ]
    .map(checkPort)
    .filter((port) => !held.has(port));
  const awake = routes.filter(({ asleep, sshPort }) => asleep === undefined && !held.has(sshPort));
  const sleepers = routes.flatMap(({ asleep, ip }) =>
    asleep === undefined ? [] : [{ ip: check('ip', ip), id: check('hostingId', asleep) }],
  );
  return compiled({
    dir: check('dir', settings.dir),
    httpPort: checkPort(settings.httpPort),
    domainPattern: check('baseDomain', settings.baseDomain).replaceAll('.', '\\.'),
    streamModule: settings.streamModule && check('streamModule', settings.streamModule),
    user: settings.user && check('user', settings.user),
    generation: check('generation', generation),
    // each listening port takes a connection slot of every worker
    connections: 4096 + (settings.ipv6 === true ? 2 : 1) * (routes.length + site.waitingPorts.length),
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
    hasDoors: sleepers.length > 0 || (settings.findsNew ?? false),
    portsAtTheDoor,
    hasPorts: routes.length > 0 || portsAtTheDoor.length > 0,
    hasRoutes: routes.length > 0,
    awakePorts: awake.map(({ sshPort }) => checkPort(sshPort)),
    someAreAwake: awake.length > 0,
    routes: routes.map((route) => ({
      userId: checkNumber(route.userId),
      mapKey: mapKey(check('username', route.username)),
      ip: check('ip', route.ip),
      sshPort: checkPort(route.sshPort),
    })),
  });
}

/** What a guest hears of its visitors, and how much of them. */
function renderVisitors({
  limits = defaultLimits,
  trustedProxies = [],
  publicHost = 'localhost',
  ipv6 = false,
}: ProxySettings): Record<string, unknown> {
  const trusts = trustedProxies.length > 0;
  for (const value of Object.values(limits) as number[])
    if (!Number.isSafeInteger(value) || value < 0) throw new Error('a limit must be a whole number');
  return {
    limits,
    ipv6,
    trustedProxies: trustedProxies.map((network) => check('network', network)),
    visitedScheme: trusts ? '$visited_scheme' : '$scheme',
    visitedHost: trusts ? '$visited_host' : '$named_host',
    publicHost: check('publicHost', publicHost),
    untold: untoldNames(),
  };
}

function renderHosts(
  { https = null, baseDomain }: ProxySettings,
  routes: readonly Route[],
  site: Site,
): Record<string, unknown> {
  for (const host of https?.serviceHosts ?? []) check('host', host);
  const view = viewHosts({ https, baseDomain }, routes, site);
  const hosts = view.hosts.map(({ name, ip }) => ({ name: check('host', name), ip: check('ip', ip) }));
  const { plainHosts, redirectHosts, redirectUsers, servers, files } = view;
  const common = { hosts, plainHosts, redirectHosts, redirectUsers };
  if (https === null || files.length === 0) return { ...common, https: null, hsts: false };
  const { port, api, hstsSeconds } = https;
  return {
    ...common,
    hsts: hstsSeconds > 0,
    https: {
      port: checkPort(port),
      portSuffix: port === 443 ? '' : `:${port}`,
      hstsSeconds,
      servers,
      file: files[0],
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

function check(name: keyof typeof patterns, value: string): string {
  if (!patterns[name].test(value)) throw new Error(`${name} does not fit into an Nginx configuration`);
  return value;
}

function checkNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error('a number in an Nginx configuration must be a positive integer');
  return value;
}

function checkPort(value: number): number {
  if (checkNumber(value) > 65_535) throw new Error('a port must be at most 65535');
  return value;
}
