/**
 * A Docker of a test's own, beside any that the machine has: own data, socket and processes, no change to the machine's
 * firewall. Containers reach each other and this machine, and nothing else.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../worlds/system';

const run = promisify(execFile);

export interface Dockerd {
  /** For DOCKER_HOST. */
  readonly host: string;
  docker(...args: string[]): Promise<string>;
  /** Ends it with its containers, and removes its data. @throws when something of it is left */
  close(): Promise<void>;
}

/** @param dir  is made, and removed at the end */
export async function startDockerd(dir: string): Promise<Dockerd> {
  mkdirSync(dir, { mode: 0o711 });
  const socket = path.join(dir, 'docker.sock');
  const daemon = spawn(
    'dockerd',
    [
      `--data-root=${dir}/data`,
      `--exec-root=${dir}/exec`,
      `--pidfile=${dir}/docker.pid`,
      `--host=unix://${socket}`,
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
      '--ip-forward=false',
      '--ip-masq=false',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = once(daemon, 'exit');
  const log = createWriteStream(path.join(dir, 'dockerd.log'));
  daemon.stdout.pipe(log);
  daemon.stderr.pipe(log);
  const docker = async (...args: string[]): Promise<string> =>
    (
      await run('docker', args, {
        env: { ...process.env, DOCKER_HOST: `unix://${socket}` },
        maxBuffer: 1 << 26,
      })
    ).stdout.trim();

  const close = async (): Promise<void> => {
    await removeContainers(docker).catch(() => undefined);
    daemon.kill('SIGTERM');
    await ended;
    await until(10_000, 'its processes ended', () => Promise.resolve(processesOf(dir).length === 0)).catch(
      () => undefined,
    );
    for (const point of mountsBelow(dir)) await run('umount', ['-l', point]);
    const left = processesOf(dir);
    rmSync(dir, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  };
  try {
    await until(
      60_000,
      'Docker answers',
      () =>
        docker('version').then(
          () => true,
          () => false,
        ),
      () => {
        if (daemon.exitCode !== null)
          throw new Error(
            `dockerd ended: ${readFileSync(path.join(dir, 'dockerd.log'), 'utf8').slice(-3000)}`,
          );
      },
    );
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  return { host: `unix://${socket}`, docker, close };
}

/** Networks too: a bridge would outlive the daemon. */
async function removeContainers(docker: Dockerd['docker']): Promise<void> {
  const containers = (await docker('ps', '-aq')).split('\n').filter(Boolean);
  if (containers.length > 0) await docker('rm', '-f', ...containers);
  await docker('network', 'prune', '-f');
}

function processesOf(dir: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return args.includes(`${dir}/`) ? [`${pid} ${args}`] : [];
      } catch {
        return [];
      }
    });
}

/** Deepest first. */
function mountsBelow(dir: string): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${dir}/`))
    .sort()
    .reverse();
}
