/**
 * Nginx as the proxy: one for pages, and one for SSH, whose sessions outlast many reloads of the other. Each is rendered
 * as a whole (engine/machine/nginx/instance.ts serves it), and only what has changed is reloaded.
 */
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../base/clock';
import { fetchPage } from '../guest/network-guest';
import type { ServiceFacts } from './landing-page';
import { runCommand } from '../../base/process';
import { askSocket } from './ask-socket';
import { missingCertificates, removeOtherCertificates, writeCertificates } from './certificate-files';
import { type NginxControl, ownNginx, pipedNginx, unreachable } from './control';
import { endOldest, mostDraining } from './draining';
import { heldPorts } from './held-ports';
import { type Instance, nginxInstance, type Rendered, withGeneration } from './instance';
import { preparePages } from './pages';
import type { HeldPort, Proxy, Route } from './proxy';
import { prepareVisits } from './visits-file';
import { renderNginx } from './render';
import { type ProxySettings } from './proxy-settings';
import { renderSsh, sshWorkers } from './render-ssh';
import { plainSite, type Site } from './site';

export interface NginxOptions extends ProxySettings {
  readonly program: string;
  /** Whether this service starts Nginx itself, or an Nginx in a container of its own is told by a pipe. */
  readonly control: 'own' | 'pipe';
  readonly clock: Clock;
  /** What is served beside the routes, as it is now. @default nothing */
  readonly site?: () => Promise<Site>;
  /** Facts for the pages that Nginx shows by itself. */
  readonly pages: ServiceFacts;
  /** Told of each reload, and of the first start. */
  readonly onReload?: (outcome: 'served' | 'refused' | 'failed', ms: number) => void;
}

/** What there is to serve at one moment. */
interface Wanted {
  readonly routes: readonly Route[];
  readonly site: Site;
  readonly parts: readonly { readonly instance: Instance; readonly rendered: Rendered }[];
}

interface Instances {
  readonly pages: Instance;
  readonly ssh: Instance;
}

export function nginxProxy(options: NginxOptions): Proxy {
  const sshDir = path.join(options.dir, 'ssh');
  const instances: Instances = {
    pages: instanceIn(options, options.dir, () => webGeneration(options)),
    ssh: instanceIn(options, sshDir, () => askSocket(path.join(sshDir, 'generation.sock'))),
  };
  return {
    publish: async (routes) => {
      const wanted = await wantedOf(options, instances, routes);
      // before the look at the generation, which says nothing of them: a new version has new pages
      await preparePages(options, options.pages);
      const changed = await unserved(options, instances, wanted);
      if (changed.length === 0) return;
      await writeCertificates(options, routes, wanted.site);
      if (options.countsVisits) await prepareVisits(options.dir);
      await serve(options, changed);
      endOldest(options.dir, mostDraining(availableParallelism()));
      endOldest(sshDir, mostDraining(sshWorkers));
      await removeOtherCertificates(options, routes, wanted.site);
    },
    serves: async (routes) => {
      const wanted = await wantedOf(options, instances, routes).catch(() => null);
      return wanted !== null && (await unserved(options, instances, wanted)).length === 0;
    },
    heldPorts: (routes) => heldOf(options, instances, routes, plainSite),
    canListen,
    fetch: (urlPath) =>
      fetchPage({ host: '127.0.0.1', port: options.httpPort, path: urlPath }).catch((cause: unknown) => {
        throw unreachable(String(cause));
      }),
    version: async () => {
      if ((await instances.pages.generation()) === null) throw unreachable('the admin path does not answer');
      const { stderr } = await runNginx(options, options.dir, path.join(options.dir, 'nginx.conf'), '-v');
      return versionIn(stderr);
    },
  };
}

async function wantedOf(
  options: NginxOptions,
  instances: Instances,
  routes: readonly Route[],
): Promise<Wanted> {
  const site = (await options.site?.()) ?? plainSite;
  const held = new Set((await heldOf(options, instances, routes, site)).map(({ port }) => port));
  return {
    routes,
    site,
    parts: [
      {
        instance: instances.pages,
        rendered: withGeneration((generation) => renderNginx(options, routes, generation, site)),
      },
      {
        instance: instances.ssh,
        rendered: withGeneration((generation) => renderSsh(options, routes, generation, site, held)),
      },
    ],
  };
}

/** Of the ports that are not Nginx's already, those that are somebody else's. */
async function heldOf(
  { dir }: NginxOptions,
  { ssh }: Instances,
  routes: readonly Route[],
  { waitingPorts }: Site,
): Promise<HeldPort[]> {
  const served = (await ssh.generation()) === null ? null : await ssh.written();
  const ports = [...routes.map(({ sshPort }) => sshPort), ...waitingPorts];
  return heldPorts({ ports, served, dir });
}

async function unserved(
  options: NginxOptions,
  { pages }: Instances,
  { routes, site, parts }: Wanted,
): Promise<Wanted['parts']> {
  const served = await Promise.all(parts.map(({ instance, rendered }) => instance.serves(rendered)));
  const certified = (await missingCertificates(options, routes, site)).length === 0;
  return parts.filter(({ instance }, index) => !served[index] || (instance === pages && !certified));
}

/** All of them or none: what one of them refuses changes nothing, and what one cannot serve is taken back from all. */
async function serve(options: NginxOptions, changed: Wanted['parts']): Promise<void> {
  const begun = performance.now();
  const told = (outcome: 'served' | 'refused' | 'failed'): void =>
    options.onReload?.(outcome, performance.now() - begun);
  try {
    for (const { instance, rendered } of changed) await instance.test(rendered);
  } catch (cause) {
    told('refused');
    throw cause;
  }
  const swaps = await Promise.allSettled(changed.map(({ instance, rendered }) => instance.swap(rendered)));
  const failed = swaps.find((each) => each.status === 'rejected');
  told(failed === undefined ? 'served' : 'failed');
  if (failed === undefined) return;
  for (const each of swaps) if (each.status === 'fulfilled') await each.value();
  throw failed.reason;
}

function instanceIn(options: NginxOptions, dir: string, ask: () => Promise<string | null>): Instance {
  const nginx = (file: string, ...args: string[]) => runNginx(options, dir, file, ...args);
  const control: NginxControl = options.control === 'pipe' ? pipedNginx(dir) : ownNginx(dir, nginx);
  return nginxInstance({ dir, control, clock: options.clock, nginx, ask });
}

function runNginx({ program }: NginxOptions, dir: string, file: string, ...args: string[]) {
  return runCommand([program, '-p', dir, '-c', file, ...args], { cwd: dir, timeoutMs: 60_000 });
}

function versionIn(text: string): string {
  return /nginx\/(\S+)/.exec(text)?.[0].replace('/', ' ') ?? 'nginx of unknown version';
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

function webGeneration({ httpPort }: ProxySettings): Promise<string> {
  return fetchPage({ host: '127.0.0.1', port: httpPort, path: '/_webhoster/generation' });
}
