/**
 * The whole service, real in every part, beside whatever else runs on this machine: own data directory, database,
 * pool, network, ports. Guests get no route out. Nothing is left when it is closed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { projectRoot } from '../../engine/base/project';
import { embeddedDatabase, postgresUrl } from '../../engine/store/url';
import { childOf, type NodeNamespace } from '../support/node-namespace';
import { freePort } from '../support/postgres';
import { until } from '../support/until';

export { until };

const run = promisify(execFile);

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    success: boolean;
    message: string;
    data: T;
    error?: { code: string; details?: Record<string, unknown> };
  };
}

export interface Account {
  readonly username: string;
  readonly userId: number;
  readonly token: string;
}

export interface HostAnswer {
  readonly hosting: { id: string; vm_id: string; vm_ip: string; ssh_port: number; status: string };
  readonly web_url: string;
  readonly ssh_command: string;
  readonly known_hosts: string[];
  readonly ssh_private_key?: string;
  readonly operation: {
    id: string;
    kind: string;
    status: string;
    steps: { name: string; started_at: string | null; finished_at: string | null }[];
  };
}

export interface System {
  readonly env: Readonly<Record<string, string>>;
  readonly api: string;
  readonly web: string;
  /** Process id of API and worker. */
  pid(): number;
  call<T = HostAnswer>(
    method: string,
    path: string,
    options?: { token?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer<T>>;
  newAccount(): Promise<Account>;
  virsh(...args: string[]): Promise<string>;
  webhoster(...args: string[]): Promise<string>;
  /** The command's exit code instead of an exception. */
  tryWebhoster(
    args: readonly string[],
    settings?: Record<string, string>,
  ): Promise<{ code: number; stdout: string }>;
  query<T = unknown>(sql: string): Promise<T[]>;
  /** Ends API and worker; `restart` brings them back. */
  stop(): Promise<void>;
  restart(settings?: Record<string, string>): Promise<void>;
  /** Removes everything. @throws when something of ours is left on the machine */
  close(): Promise<void>;
}

const sizes: Record<string, { VM_MEMORY_MIB: string; VM_DISK_GIB: string }> = {
  micro: { VM_MEMORY_MIB: '128', VM_DISK_GIB: '1' },
  'debian-13': { VM_MEMORY_MIB: '1024', VM_DISK_GIB: '20' },
};

export async function startSystem(
  image: 'micro' | 'debian-13',
  settings: Record<string, string> = {},
  node: NodeNamespace | null = null,
): Promise<System> {
  const argvOf = (argv: readonly string[]): readonly [string, ...string[]] =>
    (node === null ? argv : node.enter(argv)) as readonly [string, ...string[]];
  const runThere = (
    argv: readonly string[],
    options: { env?: Record<string, string>; maxBuffer?: number } = {},
  ) => {
    const [program, ...args] = argvOf(argv);
    return run(program, args, options);
  };
  const id = randomBytes(3).toString('hex');
  const dir = mkdtempSync(path.join('/var/lib', `webhoster-test-${id}-`));
  await run('chmod', ['711', dir]);
  mkdirSync('/var/lib/libvirt', { recursive: true });
  const address = node?.address ?? '127.0.0.1';
  const [apiPort, httpPort, postgresPort, sshPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const secret = (): string => randomBytes(24).toString('hex');
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '/root',
    // whoever runs the tests may be signed in to some service
    XDG_CONFIG_HOME: path.join(dir, 'config'),
    NODE_ENV: 'test',
    CACHE_DIR: process.env.CACHE_DIR ?? '/var/cache/vm-webhoster',
    TERRAFORM_BIN: process.env.TERRAFORM_BIN ?? 'terraform',
    DATA_DIR: dir,
    POOL_DIR: `/var/lib/libvirt/webhoster-test-${id}`,
    POOL_NAME: `wht-${id}`,
    NETWORK_NAME: `wht-${id}`,
    NETWORK_BRIDGE: `wht${id}`,
    NETWORK_CIDR: `10.${randomInt(100, 200)}.${randomInt(256)}.0/26`,
    EGRESS: 'none',
    DOMAIN_TYPE: 'qemu',
    IMAGE: image,
    ...sizes[image],
    API_HOST: node === null ? '127.0.0.1' : '0.0.0.0',
    API_PORT: String(apiPort),
    HTTP_PORT: String(httpPort),
    POSTGRES_PORT: String(postgresPort),
    POSTGRES_PASSWORD: secret(),
    JWT_SECRET: secret(),
    STATE_KEY: secret(),
    BCRYPT_COST: '4',
    METRICS_OPEN_LOCAL: 'true',
    // for whoever asks from another namespace
    METRICS_TOKEN: secret(),
    // below the range that the kernel hands out to others, and one window per system
    SSH_PORT_MIN: String(10_000 + (sshPort % 200) * 50),
    SSH_PORT_MAX: String(10_000 + (sshPort % 200) * 50 + 49),
    ...settings,
  };
  const cli = path.join(projectRoot, 'dist/cli/main.js');
  const webhoster = async (...args: string[]): Promise<string> =>
    (await runThere([process.execPath, cli, ...args], { env, maxBuffer: 1 << 24 })).stdout;
  const virsh = async (...args: string[]): Promise<string> =>
    (await runThere(['virsh', '--connect', 'qemu:///system', '--quiet', ...args], { env })).stdout;
  const api = `http://${address}:${apiPort}`;
  const web = `http://${address}:${httpPort}`;
  let service: ChildProcess | null = null;

  const startService = async (extra: Record<string, string> = {}): Promise<void> => {
    const log = createWriteStream(path.join(dir, 'api.log'), { flags: 'a' });
    const [program, ...args] = argvOf([process.execPath, path.join(projectRoot, 'dist/api/main.js')]);
    const child = spawn(program, args, {
      env: { ...env, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    service = child;
    await until(
      60_000,
      'the service is healthy',
      async () => (await fetch(`${api}/api/v1/health`).catch(() => null))?.ok === true,
      () => {
        if (child.exitCode !== null)
          throw new Error(
            `the service ended: ${readFileSync(path.join(dir, 'api.log'), 'utf8').slice(-3000)}`,
          );
      },
    );
  };
  // what enters a namespace waits outside for the process that it started there
  const serviceOf = ({ pid = -1 }: ChildProcess): number => (node === null ? pid : childOf(pid));
  const stopService = async (): Promise<void> => {
    const child = service;
    service = null;
    if (child?.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    process.kill(serviceOf(child), 'SIGTERM');
    await ended;
  };

  const close = async (): Promise<void> => {
    await stopService();
    await webhoster('service', 'purge-stacks');
    await webhoster('service', 'nginx-stop');
    await webhoster('service', 'postgres-stop');
    // daemons of a node of its own may have been started again by the system, and go with the node
    const left = (await leftovers({ dir, env, virsh, runThere })).filter(
      (each) => node === null || !/^process (libvirtd|virtlogd) /.test(each),
    );
    rmSync(dir, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  };
  try {
    await webhoster('service', 'postgres-start');
    await webhoster('node', 'prepare');
    await startService();
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  let accounts = 0;

  const call: System['call'] = async (method, urlPath, options = {}) => {
    const response = await fetch(`${api}/api/v1${urlPath}`, {
      method,
      headers: {
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      signal: AbortSignal.timeout(400_000),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as never };
  };

  return {
    env,
    api,
    web,
    pid: () => (service === null ? -1 : serviceOf(service)),
    call,
    newAccount: async () => {
      const username = `t${id}-${++accounts}`;
      const password = secret();
      const registered = await call<{ user: { id: number } }>('POST', '/auth/register', {
        body: { email: `${username}@example.org`, password, username },
      });
      const login = await fetch(`${api}/api/v1/auth/login`, {
        method: 'POST',
        body: new URLSearchParams({ username: `${username}@example.org`, password }),
      });
      const { access_token: token } = (await login.json()) as { access_token: string };
      return { username, userId: registered.body.data.user.id, token };
    },
    virsh,
    webhoster,
    tryWebhoster: async (args, extra = {}) => {
      try {
        const { stdout } = await runThere([process.execPath, cli, ...args], { env: { ...env, ...extra } });
        return { code: 0, stdout };
      } catch (thrown) {
        const { code, stdout } = thrown as { code: number; stdout: string };
        return { code, stdout };
      }
    },
    query: (sql) => (node === null ? queryOnce(env, sql) : queryThere(env, sql, runThere)),
    stop: stopService,
    restart: async (extra) => {
      await stopService();
      await startService(extra);
    },
    close,
  };
}

function databaseOf(env: Record<string, string>): string {
  const port = Number(env.POSTGRES_PORT);
  return postgresUrl({ port, password: env.POSTGRES_PASSWORD ?? '', database: embeddedDatabase });
}

/** What a visitor of somebody's page gets; 0 where nobody answers in 10 s. */
export function pageStatusOf(
  { web }: Pick<System, 'web'>,
  { userId }: Pick<Account, 'userId'>,
): Promise<number> {
  return fetch(`${web}/${userId}`, { signal: AbortSignal.timeout(10_000) }).then(
    ({ status }) => status,
    () => 0,
  );
}

async function queryOnce<T>(env: Record<string, string>, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: databaseOf(env) });
  await client.connect();
  try {
    return (await client.query(sql)).rows as T[];
  } finally {
    await client.end();
  }
}

/** The database listens on an address that this process does not have. */
async function queryThere<T>(env: Record<string, string>, sql: string, runThere: RunThere): Promise<T[]> {
  const script = `const { Client } = require(process.argv[1]);
    const client = new Client({ connectionString: process.argv[2] });
    client.connect().then(() => client.query(process.argv[3])).then(({ rows }) => {
      console.log(JSON.stringify(rows));
      return client.end();
    });`;
  const argv = [process.execPath, '-e', script, require.resolve('pg'), databaseOf(env), sql];
  return JSON.parse((await runThere(argv)).stdout) as T[];
}

type RunThere = (argv: readonly string[]) => Promise<{ stdout: string }>;

/** nft gives up where somebody else changes rules while it reads them. */
async function nftTables(runThere: RunThere): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return (await runThere(['nft', 'list', 'tables'])).stdout;
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
}

/** What of this system is still on the machine: libvirt, files, processes, listening ports. */
async function leftovers({
  dir,
  env,
  virsh,
  runThere,
}: {
  dir: string;
  env: Record<string, string>;
  virsh: System['virsh'];
  runThere: RunThere;
}): Promise<string[]> {
  const [filters, tables, pools, networks, ports, processes] = await Promise.all([
    virsh('nwfilter-list'),
    nftTables(runThere),
    virsh('pool-list', '--all', '--name'),
    virsh('net-list', '--all', '--name'),
    runThere(['ss', '-Hltn']).then(({ stdout }) => stdout),
    runThere(['ps', '-eo', 'args']).then(({ stdout }) => stdout),
  ]);
  const lines = (text: string): string[] => text.split('\n').map((line) => line.trim());
  const listening = [env.API_PORT, env.HTTP_PORT, env.POSTGRES_PORT].filter((port) =>
    new RegExp(`:${port ?? ''}\\s`).test(ports),
  );
  const sshPorts = lines(ports).filter((line) => {
    const port = Number(/:(\d+)\s/.exec(line.replace(/^\S+\s+\S+\s+\S+\s+/, ''))?.[1]);
    return port >= Number(env.SSH_PORT_MIN) && port <= Number(env.SSH_PORT_MAX);
  });
  return [
    ...lines(pools)
      .filter((name) => name === env.POOL_NAME)
      .map((name) => `pool ${name}`),
    ...lines(networks)
      .filter((name) => name === env.NETWORK_NAME)
      .map((name) => `network ${name}`),
    ...lines(filters).filter((line) => line.endsWith(` ${env.NETWORK_NAME ?? ''}-guests`)),
    ...lines(tables).filter((line) => line.endsWith(`webhoster_${env.NETWORK_BRIDGE ?? ''}`)),
    ...(existsSync(env.POOL_DIR ?? '') ? [`directory ${env.POOL_DIR ?? ''}`] : []),
    ...listening.map((port) => `port ${port ?? ''}`),
    ...sshPorts.map((line) => `SSH port ${line}`),
    ...lines(processes)
      .filter((args) => args.includes(dir))
      .map((args) => `process ${args}`),
  ];
}
