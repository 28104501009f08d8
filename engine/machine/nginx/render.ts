/** Routes -> the Nginx configuration of pages: by number, by host name, by own domain, and the API's front. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import { templatesDir } from '../../base/project';
import type { Route } from './proxy';
import { doorsIn } from './doors-dir';
import { check, checkLimits, checkNumber, checkPort } from './nginx-values';
import { defaultLimits, type ProxySettings } from './proxy-settings';
import { viewHosts } from './render-https';
import { plainSite, type Site } from './site';
import { untoldNames } from './untold';

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
