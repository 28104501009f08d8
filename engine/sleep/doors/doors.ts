/**
 * The doors' sockets. Only Nginx gets to them: they are files that its workers may open and nobody else. Of several
 * workers on one machine one has them; when it is gone, another opens its own.
 */
import { chmod, chown, mkdir, readFile, rm } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { doorsIn } from '../../machine/nginx/doors-dir';

export interface Doors {
  /** Opens what nobody has open. Repeating it changes nothing. */
  open(): Promise<void>;
  /** Closes what this process has open, and ends the sessions that came in there. */
  close(): void;
}

export interface DoorsOptions {
  readonly nginxDir: string;
  /** Unix user of Nginx's workers; null when they are ours. */
  readonly user: string | null;
  /** Makes a server by the name of its socket. */
  readonly servers: Readonly<Record<'page' | 'ssh', () => Server>>;
}

export function doors({ nginxDir, user, servers }: DoorsOptions): Doors {
  const dir = doorsIn(nginxDir);
  const closers = new Map<string, () => void>();
  const openOne = async (name: 'page' | 'ssh'): Promise<void> => {
    const file = path.join(dir, `${name}.sock`);
    if (await isOpen(file)) return;
    closers.get(name)?.();
    await rm(file, { force: true });
    const server = servers[name]();
    closers.set(name, await listen(server, file));
    const group = user === null ? null : await groupOf(user);
    if (group !== null) await chown(file, 0, group);
    await chmod(file, group === null ? 0o600 : 0o660);
  };
  return {
    open: async () => {
      for (const each of [nginxDir, dir]) {
        await mkdir(each, { recursive: true });
        await chmod(each, 0o711);
      }
      await openOne('page');
      await openOne('ssh');
    },
    close: () => {
      for (const close of closers.values()) close();
      closers.clear();
    },
  };
}

function isOpen(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const knock = connect(file);
    knock.on('connect', () => {
      knock.destroy();
      resolve(true);
    });
    knock.on('error', () => {
      resolve(false);
    });
  });
}

/** @returns closes it, whoever is connected */
function listen(server: Server, file: string): Promise<() => void> {
  const sessions = new Set<Socket>();
  server.on('connection', (session: Socket) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(file, () => {
      server.off('error', reject).on('error', () => undefined);
      resolve(() => {
        server.close();
        for (const session of sessions) session.destroy();
      });
    });
  });
}

/** A line of passwd: name, password, user, group. */
async function groupOf(user: string): Promise<number | null> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const [, group] = new RegExp(`^${user}:[^:]*:\\d+:(\\d+):`, 'm').exec(passwd) ?? [];
  return group === undefined ? null : Number(group);
}
