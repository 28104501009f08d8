/** Routes -> the Nginx configuration of SSH and SFTP: a port for each VM. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import { templatesDir } from '../../base/project';
import { doorsIn } from './doors-dir';
import { check, checkLimits, checkPort } from './nginx-values';
import type { Route } from './proxy';
import { defaultLimits, type ProxySettings } from './proxy-settings';
import { plainSite, type Site } from './site';

/** Of each worker, beside a slot for each port that it listens on. */
const connections = 4096;
/** Bytes are passed on and nothing else: two move more than a network brings. */
export const sshWorkers = 2;
let compiled: HandlebarsTemplateDelegate | undefined;

/**
 * @param generation  served back on a socket, so that a reload can be seen to have happened
 * @param held  ports that cannot be had
 */
export function renderSsh(
  settings: ProxySettings,
  routes: readonly Route[],
  generation: string,
  site: Pick<Site, 'waitingPorts'> = plainSite,
  held: ReadonlySet<number> = new Set(),
): string {
  compiled ??= Handlebars.compile(readFileSync(path.join(templatesDir, 'nginx/ssh.conf.hbs'), 'utf8'), {
    noEscape: true,
    strict: true,
  });
  const portsAtTheDoor = [
    ...routes.filter(({ asleep }) => asleep !== undefined).map(({ sshPort }) => sshPort),
    ...site.waitingPorts.filter((port) => !routes.some(({ sshPort }) => sshPort === port)),
  ]
    .map(checkPort)
    .filter((port) => !held.has(port));
  const awake = routes.filter(({ asleep, sshPort }) => asleep === undefined && !held.has(sshPort));
  const { ipv6 = false, limits = defaultLimits } = settings;
  return compiled({
    dir: check('dir', settings.dir),
    streamModule: settings.streamModule && check('module', settings.streamModule),
    user: settings.user && check('user', settings.user),
    generation: check('generation', generation),
    workers: sshWorkers,
    connections: connections + (ipv6 ? 2 : 1) * (routes.length + site.waitingPorts.length),
    ipv6,
    limits: checkLimits(limits),
    countsVisits: settings.countsVisits ?? false,
    doors: doorsIn(settings.dir),
    portsAtTheDoor,
    hasRoutes: routes.length > 0,
    awakePorts: awake.map(({ sshPort }) => checkPort(sshPort)),
    someAreAwake: awake.length > 0,
    routes: routes.map(({ ip, sshPort }) => ({ ip: check('ip', ip), sshPort: checkPort(sshPort) })),
  });
}
