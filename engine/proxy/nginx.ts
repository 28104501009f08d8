/**
 * Nginx as the proxy. The whole configuration is rendered, tested by Nginx itself, swapped in atomically, and
 * reloaded; the new generation must then be served, or the old file comes back.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import Handlebars from 'handlebars';
import type { Clock } from '../clock';
import { EngineError } from '../errors';
import { ignoreMissing } from '../files';
import { fetchPage } from '../guest/network-guest';
import { type CommandResult, runCommand } from '../process';
import { missingCertificates, removeOtherCertificates, writeCertificates } from './certificate-files';
import { ownNginx, pipedNginx, unreachable } from './control';
import { heldPorts } from './held-ports';
import type { HeldPort, Proxy, Route } from './proxy';
import { templatesDir } from '../project';
import { prepareVisits } from '../traffic/visits-file';
import { defaultLimits, type ProxySettings, renderNginx } from './render';
import { plainSite, type Site } from './site';

export interface NginxOptions extends ProxySettings {
  readonly program: string;
  /** Whether this service starts Nginx itself, or an Nginx in a container of its own is told by a pipe. */
  readonly control: 'own' | 'pipe';
  readonly clock: Clock;
  /** What is served beside the routes, as it is now. @default nothing */
  readonly site?: () => Promise<Site>;
  /** Told of each reload, and of the first start. */
  readonly onReload?: (outcome: 'served' | 'refused' | 'failed', ms: number) => void;
  /** Facts for the landing page. */
  readonly pages: Readonly<Record<'apiUrl' | 'docsUrl' | 'healthUrl' | 'baseDomain' | 'httpUrl', string>>;
}

const reloadDeadlineMs = 10_000;
/** Nginx lets its old workers accept for 100 ms after the new ones have begun, so one answer proves nothing. */
const sureAfter = 10;
const probePauseMs = 15;

export function nginxProxy(options: NginxOptions): Proxy {
  const current = path.join(options.dir, 'nginx.conf');
  const candidate = path.join(options.dir, 'nginx.conf.candidate');
  const nginx = nginxProgram(options);
  const { takeUp } = options.control === 'pipe' ? pipedNginx(options.dir) : ownNginx(options.dir, nginx);

  const publish = async (routes: readonly Route[]): Promise<void> => {
    const site = await siteOf(options);
    const wanted = rendered(options, routes, site, await heldOf(options, current, routes, site));
    // before the look at the generation, which says nothing of them: a new version has new pages
    await preparePages(options);
    if (await serves(options, current, wanted)) return;
    const begun = performance.now();
    const told = (outcome: 'served' | 'refused' | 'failed'): void =>
      options.onReload?.(outcome, performance.now() - begun);
    await writeCertificates(options, routes, site);
    if (options.countsVisits) await prepareVisits(options.dir);
    const before = await readFile(current, 'utf8').catch(ignoreMissing);
    await writeFile(candidate, wanted.text, { mode: 0o600 });
    const test = await nginx(candidate, '-t', '-q');
    if (test.code !== 0) {
      told('refused');
      throw new EngineError('proxy_refused', 'Nginx refused the new configuration; the old one stays', {
        cause: new Error(test.stderr),
      });
    }
    await rename(candidate, current);
    try {
      await takeUp(current);
      await served(options, wanted.generation);
      told('served');
    } catch (cause) {
      told('failed');
      if (before !== null) {
        await writeFile(candidate, before, { mode: 0o600 });
        await rename(candidate, current);
        await takeUp(current).catch(() => undefined);
      }
      throw cause;
    }
    await removeOtherCertificates(options, routes, site);
  };

  return {
    publish,
    serves: async (routes) => {
      const site = await siteOf(options).catch(() => null);
      if (site === null) return false;
      const held = await heldOf(options, current, routes, site);
      return serves(options, current, rendered(options, routes, site, held));
    },
    heldPorts: (routes) => heldOf(options, current, routes, plainSite),
    canListen,
    fetch: (urlPath) =>
      fetchPage({ host: '127.0.0.1', port: options.httpPort, path: urlPath }).catch((cause: unknown) => {
        throw unreachable(String(cause));
      }),
    version: async () => {
      if ((await servedGeneration(options)) === null) throw unreachable('the admin path does not answer');
      return versionIn((await nginx(current, '-v')).stderr);
    },
  };
}

function versionIn(text: string): string {
  return /nginx\/(\S+)/.exec(text)?.[0].replace('/', ' ') ?? 'nginx of unknown version';
}

function nginxProgram({ program, dir }: NginxOptions) {
  return (file: string, ...args: string[]): Promise<CommandResult> =>
    runCommand([program, '-p', dir, '-c', file, ...args], { cwd: dir, timeoutMs: 60_000 });
}

interface Rendered {
  readonly routes: readonly Route[];
  readonly site: Site;
  readonly generation: string;
  readonly text: string;
}

/** No name that a user may have, so nothing else in the file is taken for it. */
const placeholder = '@generation@';

/** The generation is a checksum over the file that carries it, with the placeholder in its place. */
function rendered(
  settings: ProxySettings,
  routes: readonly Route[],
  site: Site,
  held: readonly HeldPort[],
): Rendered {
  const ports = new Set(held.map(({ port }) => port));
  const body = renderNginx(settings, routes, placeholder, site, ports);
  const generation = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return { routes, site, generation, text: body.replaceAll(placeholder, generation) };
}

/** Of the ports that are not Nginx's already, those that are somebody else's. */
async function heldOf(
  options: NginxOptions,
  current: string,
  routes: readonly Route[],
  { waitingPorts }: Site,
): Promise<HeldPort[]> {
  const isServed = (await servedGeneration(options)) !== null;
  const served = isServed ? await readFile(current, 'utf8').catch(() => null) : null;
  const ports = [...routes.map(({ sshPort }) => sshPort), ...waitingPorts];
  return heldPorts({ ports, served, dir: options.dir });
}

function siteOf({ site }: NginxOptions): Promise<Site> {
  return site?.() ?? Promise.resolve(plainSite);
}

async function serves(
  options: NginxOptions,
  file: string,
  { routes, site, generation, text }: Rendered,
): Promise<boolean> {
  const written = await readFile(file, 'utf8').catch(() => null);
  if ((await missingCertificates(options, routes, site)).length > 0) return false;
  return written === text && (await servedGeneration(options)) === generation;
}

/** Nginx's own test of a configuration passes over a port that somebody else holds; its reload then fails. */
function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, '0.0.0.0', () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}

async function servedGeneration({ httpPort }: ProxySettings): Promise<string | null> {
  return fetchPage({ host: '127.0.0.1', port: httpPort, path: '/_webhoster/generation' }).catch(() => null);
}

async function served(options: NginxOptions, generation: string): Promise<void> {
  const deadline = options.clock.now().getTime() + reloadDeadlineMs;
  for (let inARow = 0; inARow < sureAfter;) {
    inARow = (await servedGeneration(options)) === generation ? inARow + 1 : 0;
    if (inARow === 0 && options.clock.now().getTime() > deadline)
      throw unreachable('the new generation is not served');
    await options.clock.sleep(probePauseMs);
  }
}

const pageNames = ['index', 'not-found', 'unreachable', 'silent', 'broken', 'too-large'] as const;

async function preparePages(options: NginxOptions): Promise<void> {
  const facts = { ...options.pages, ...(options.limits ?? defaultLimits) };
  const pages = path.join(options.dir, 'pages', '_webhoster');
  for (const dir of [options.dir, path.join(options.dir, 'pages'), pages, path.join(options.dir, 'tmp')]) {
    await mkdir(dir, { recursive: true });
    await chmod(dir, 0o711);
  }
  for (const name of pageNames) {
    const source = await readFile(path.join(templatesDir, 'pages', `${name}.html.hbs`), 'utf8');
    const file = path.join(pages, `${name}.html`);
    await writeFile(file, Handlebars.compile(source, { strict: true })(facts));
    await chmod(file, 0o644);
  }
  await writeFile(
    path.join(options.dir, 'service-headers.conf'),
    await readFile(path.join(templatesDir, 'nginx/service-headers.conf')),
  );
}
