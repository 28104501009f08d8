/** Logins of this user: one file of mode 0600 below XDG_CONFIG_HOME, in which each service has a token of its own. */
import { mkdir, open, rename, rm, stat, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { EngineError } from '../engine';

export interface Login {
  readonly token: string;
  readonly username: string;
  /** ISO 8601; null where the token does not say. */
  readonly expiresAt: string | null;
}

export interface Logins {
  /** Address of the service that was signed in to last. */
  readonly current: string | null;
  readonly services: Readonly<Record<string, Login>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function credentialsFile(env: Environment = process.env): string {
  // a relative path is to be ignored, says the XDG specification
  const given = env.XDG_CONFIG_HOME ?? '';
  const config = path.isAbsolute(given) ? given : path.join(env.HOME || homedir(), '.config');
  return path.join(config, 'vm-webhoster', 'credentials.json');
}

/** @throws {EngineError} config_invalid when others may read the file, or it is none of ours */
export async function readLogins(file = credentialsFile()): Promise<Logins> {
  const found = await stat(file).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR') return null;
    throw new EngineError('config_invalid', `${file} cannot be read: ${thrown.message}`);
  });
  if (found === null) return { current: null, services: {} };
  if ((found.mode & 0o077) !== 0)
    throw new EngineError(
      'config_invalid',
      `Other users can read the tokens in ${file}. Restrict its permissions: chmod 600 ${file}`,
    );
  try {
    const { current, services } = JSON.parse(await readFile(file, 'utf8')) as Partial<Logins>;
    if (typeof services === 'object') return { current: current ?? null, services };
  } catch {
    // told below
  }
  throw new EngineError('config_invalid', `${file} is damaged. Remove it and sign in again`);
}

/** The whole file at once, or not at all; without any login left there is no file. */
export async function writeLogins(logins: Logins, file = credentialsFile()): Promise<void> {
  if (Object.keys(logins.services).length === 0) return rm(file, { force: true });
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.${process.pid}`;
  await rm(next, { force: true });
  const handle = await open(next, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(logins, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(next, file);
}

export function withLogin(logins: Logins, url: string, login: Login): Logins {
  return { current: url, services: { ...logins.services, [url]: login } };
}

export function withoutLogin({ current, services }: Logins, url: string): Logins {
  const left = Object.fromEntries(Object.entries(services).filter(([each]) => each !== url));
  return { current: current === url ? (Object.keys(left)[0] ?? null) : current, services: left };
}
