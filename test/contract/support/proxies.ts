/**
 * What the proxy's contract runs against: a real Nginx of its own, and the fake that tests of operations use.
 *
 * Guests are servers on 127.0.0.2 and 127.0.0.3. Ports 80 and 22 of a machine may be taken (an sshd listens on every
 * address), so this Nginx is started through a few lines of shell that put free ports in the place of those two;
 * all else of the configuration is as it was rendered.
 */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../engine/base/clock';
import type { Config } from '../../../engine/base/config';
import { type NginxOptions, nginxProxy } from '../../../engine/machine/nginx/nginx';
import { nginxModules } from '../../../engine/machine/nginx/nginx-modules';
import type { Proxy, Route } from '../../../engine/machine/nginx/proxy';
import type { Site } from '../../../engine/machine/nginx/site';
import { projectRoot } from '../../../engine/base/project';
import { stopProxy } from '../../../engine/operator';
import { FakeHost } from '../../fakes/fake-host';
import { freePort } from '../../support/postgres';

export const baseDomain = 'pages.example.org';
/** Addresses of two guests that answer, and one that does not. */
export const [ana, kim, silent] = ['127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;

/** A guest's web server tells what it was asked; its SSH says its name and then echoes. */
interface Guests {
  readonly httpPort: number;
  readonly sshPort: number;
  close(): Promise<void>;
}

async function openGuests(): Promise<Guests> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const listen = (server: Server, port: number, host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.on('connection', (socket) => {
        sockets.add(socket.on('close', () => sockets.delete(socket)));
      });
      server.listen(port, host, () => {
        servers.push(server);
        resolve((server.address() as AddressInfo).port);
      });
    });
  const web = (name: string): Server =>
    http.createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
      const { host, 'x-forwarded-prefix': prefix = '', 'x-forwarded-for': from } = request.headers;
      const { url, method } = request;
      // a guest says what it likes
      const words = JSON.parse(String(request.headers['x-answer-with'] ?? '{}')) as Record<
        string,
        string | string[]
      >;
      for (const [name, value] of Object.entries(words)) response.setHeader(name, value);
      let sent = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (sent += chunk));
      request.on('end', () => {
        response.end(`page of ${name}: ${JSON.stringify({ url, host, prefix, from, method, sent })}`);
      });
    });
  const ssh = (name: string): Server =>
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(`SSH-2.0-${name}\r\n`);
      socket.pipe(socket);
    });
  const httpPort = await listen(web(ana), 0, ana);
  const sshPort = await listen(ssh(ana), 0, ana);
  await listen(web(kim), httpPort, kim);
  await listen(ssh(kim), sshPort, kim);
  return {
    httpPort,
    sshPort,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

export interface Bench {
  readonly proxy: Proxy;
  /** A marker that only the guest's page holds. */
  pageOf(ip: string): string;
  close(): Promise<void>;
}

export interface RealBench extends Bench {
  readonly dir: string;
  readonly httpPort: number;
  /** Where the guests' web servers are, in the place of port 80. */
  readonly webPort: number;
  /** Where the guests' SSH is, in the place of port 22. */
  readonly sshPort: number;
  /** Another engine's view of the same Nginx. */
  again(change?: Partial<Omit<NginxOptions, 'site'>> & { site?: Site }): Proxy;
  stop(): Promise<void>;
}

/** @param control  who starts and reloads Nginx: the proxy itself, or the script of Nginx's container, told by a pipe */
export async function realBench(control: 'own' | 'pipe' = 'own'): Promise<RealBench> {
  const home = mkdtempSync(path.join(tmpdir(), 'webhoster-ctr-nginx-'));
  // the workers are another user
  chmodSync(home, 0o711);
  const dir = path.join(home, 'nginx');
  const guests = await openGuests();
  const program = path.join(home, 'nginx-for-test');
  writeFileSync(program, wrapper(guests), { mode: 0o755 });
  const httpPort = await freePort();
  const again: RealBench['again'] = ({ site, ...change } = {}) =>
    nginxProxy({
      program,
      dir,
      httpPort,
      baseDomain,
      ...nginxModules(),
      user: process.getuid?.() === 0 ? 'www-data' : null,
      api: null,
      control,
      clock: systemClock,
      ...(site === undefined ? {} : { site: () => Promise.resolve(site) }),
      apiUrl: 'http://api.example.org',
      pages: {
        apiUrl: 'http://api.example.org',
        docsUrl: 'http://api.example.org/docs',
        healthUrl: 'http://api.example.org/health',
        baseDomain,
        httpUrl: 'http://example.org',
      },
      ...change,
    });
  const container = control === 'pipe' ? await openContainer(dir, program) : null;
  const stop = (): Promise<void> => stopProxy({ NGINX_BIN: program, nginxDir: dir } as Config);
  return {
    dir,
    httpPort,
    webPort: guests.httpPort,
    sshPort: guests.sshPort,
    proxy: again(),
    again,
    stop,
    pageOf: (ip) => `page of ${ip}:`,
    close: async () => {
      await container?.end();
      if (existsSync(path.join(dir, 'nginx.conf'))) await stop();
      for (const pid of nginxProcesses(home)) kill(pid, 'SIGKILL');
      await guests.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** What runs in Nginx's container, without the container. */
async function openContainer(dir: string, program: string): Promise<{ end: () => Promise<void> }> {
  const script = path.join(projectRoot, 'deploy/docker/nginx/serve.sh');
  const child = spawn('sh', [script, dir], { env: { ...process.env, NGINX_BIN: program }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (!existsSync(path.join(dir, 'control'))) {
    if (child.exitCode !== null) throw new Error(`${script} ended with ${child.exitCode}`);
    await delay(10);
  }
  return {
    end: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it went by itself
  }
}

function wrapper({ httpPort, sshPort }: Guests): string {
  return `#!/bin/sh
# the value after -c is the configuration
previous=
for argument; do
  shift
  if [ "$previous" = -c ]; then
    sed -e 's#:22;#:${sshPort};#' -e 's#proxy_pass http://\\($vm_by_[a-z]*\\)#proxy_pass http://\\1:${httpPort}#' "$argument" > "$argument.for-test"
    argument=$argument.for-test
  fi
  previous=$argument
  set -- "$@" "$argument"
done
exec nginx "$@"
`;
}

export function fakeBench(): Promise<Bench> {
  const host = new FakeHost();
  for (const ip of [ana, kim]) host.pages.set(ip, `page of ${ip}: {}`);
  return Promise.resolve({
    proxy: host.proxy,
    pageOf: (ip) => `page of ${ip}:`,
    close: () => Promise.resolve(),
  });
}

/** Nginx processes whose master was started from this directory. */
export function nginxProcesses(home: string): number[] {
  const holds = (pid: string): boolean => {
    try {
      if (
        readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'nginx' ||
        /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
      )
        return false;
      return readdirSync(`/proc/${pid}/fd`).some((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(home);
        } catch {
          return false;
        }
      });
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && holds(pid))
    .map(Number);
}

export async function route(userId: number, username: string, ip: string): Promise<Route> {
  return { userId, username, ip, sshPort: await freePort() };
}
