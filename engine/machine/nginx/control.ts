/**
 * How an Nginx is made to take up its configuration: one that this service starts itself, or one that runs in a container
 * of its own and listens at a pipe (deploy/docker/nginx/serve.sh). Either way, whether it did is seen from what it
 * serves, not from here.
 */
import { constants } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../../base/errors';
import { ignoreMissing } from '../../base/files';
import { type CommandResult, endProcessesIn } from '../../base/process';

export interface NginxControl {
  /** Starts Nginx with this configuration, or tells the one that runs to read it. @throws {EngineError} proxy_unreachable */
  takeUp(file: string): Promise<void>;
}

/** @param nginx  runs the program on a configuration file, with more arguments */
export function ownNginx(
  dir: string,
  nginx: (file: string, ...args: string[]) => Promise<CommandResult>,
): NginxControl {
  return {
    takeUp: async (file) => {
      const running = await isRunning(dir);
      // workers outlive a killed master and hold its ports; they are known by the directory they work in
      if (!running) await endProcessesIn(dir);
      // of one that was killed; nobody could listen there
      if (!running) await rm(path.join(dir, 'generation.sock'), { force: true });
      const result = await nginx(file, ...(running ? ['-s', 'reload'] : []));
      if (result.code !== 0) throw unreachable(result.stderr);
    },
  };
}

/** A line in the pipe is a reload. It is opened without waiting: a pipe that nobody reads is a container that is down. */
export function pipedNginx(dir: string): NginxControl {
  return {
    takeUp: async () => {
      try {
        const pipe = await open(path.join(dir, 'control'), constants.O_WRONLY | constants.O_NONBLOCK);
        await pipe.write('reload\n').finally(() => pipe.close());
      } catch (cause) {
        throw unreachable(`nobody reads the pipe: ${String(cause)}`);
      }
    },
  };
}

/** Unix user of Nginx's workers; null where this process may not choose one. */
export function nginxUser(): string | null {
  return process.getuid?.() === 0 ? 'www-data' : null;
}

export async function isRunning(dir: string): Promise<boolean> {
  const pid = Number(await readFile(path.join(dir, 'nginx.pid'), 'utf8').catch(ignoreMissing));
  if (!Number.isInteger(pid) || pid <= 0) return false;
  // a stale pid file may name any process by now, or one that ended and that process 1 of a container does not reap
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(ignoreMissing);
  return status !== null && /^\d+ \(nginx\) [^ZX]/.test(status);
}

export function unreachable(story: string): EngineError {
  return new EngineError('proxy_unreachable', undefined, {
    retryable: true,
    cause: new Error(story),
  });
}
