/**
 * The service in containers, as docker-start.sh starts it, with Compose v2 and BuildKit: images built, VMs on the real libvirt, a hosting that
 * outlives the restart of every container, and nothing left at the end. With a Docker of its own.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Container, greeting, serviceOf } from '../support/containers';
import { type Dockerd, startDockerd } from '../support/dockerd';
import { cacheDir, freePort } from '../support/postgres';
import { type Answer, type HostAnswer, until } from '../worlds/system';

jest.setTimeout(900_000);
const root = path.join(__dirname, '../..');
const id = randomBytes(3).toString('hex');
const services = ['postgres', 'redis', 'nginx', 'worker', 'api'] as const;
let docker: Dockerd;
let env: NodeJS.ProcessEnv;
let api: string;
let web: string;

beforeAll(async () => {
  docker = await startDockerd(`/var/lib/webhoster-docker-${id}`);
  const [apiPort, httpPort] = await Promise.all([freePort(), freePort()]);
  const window = 10_000 + randomInt(190) * 50;
  const backends = 9_600 + randomInt(90) * 4;
  env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    DOCKER_HOST: docker.host,
    // where scripts/test.sh has put the pinned plugin
    DOCKER_CONFIG: path.join(cacheDir, 'compose'),
    CACHE_DIR: cacheDir,
    DATA_DIR: `/var/lib/webhoster-compose-${id}`,
    POOL_DIR: `/var/lib/libvirt/webhoster-compose-${id}`,
    POOL_NAME: `whc-${id}`,
    NETWORK_NAME: `whc-${id}`,
    NETWORK_BRIDGE: `whc${id}`,
    NETWORK_CIDR: `10.${randomInt(100, 200)}.${randomInt(256)}.0/26`,
    EGRESS: 'none',
    DOMAIN_TYPE: 'qemu',
    IMAGE: 'micro',
    VM_MEMORY_MIB: '128',
    VM_DISK_GIB: '1',
    BCRYPT_COST: '10',
    API_HOST: '127.0.0.1',
    API_PORT: String(apiPort),
    HTTP_PORT: String(httpPort),
    SSH_PORT_MIN: String(window),
    SSH_PORT_MAX: String(window + 49),
    DOCKER_NETWORK: `172.${randomInt(18, 32)}`,
    IMAGE_TAG: id,
    API_REPLICAS: '2',
    API_BACKEND_PORTS: `${backends}-${backends + 3}`,
  };
  api = `http://127.0.0.1:${apiPort}`;
  web = `http://127.0.0.1:${httpPort}`;
});
afterAll(async () => {
  if (existsSync(env.DATA_DIR ?? '')) await script('docker-stop.sh', '--purge', '--yes');
  await docker.close();
  rmSync(env.DATA_DIR ?? '', { recursive: true, force: true });
});

interface Ran {
  readonly code: number;
  readonly output: string;
}

function script(name: string, ...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      path.join(root, 'scripts', name),
      args,
      { env, timeout: 880_000, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, output: stdout + stderr });
      },
    );
    // nobody is there to answer a question
    child.stdin?.end();
  });
}

/** `docker compose` as people type it in the project's directory, without any of our settings. */
function compose(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const { PATH, HOME, DOCKER_HOST, DOCKER_CONFIG } = env;
    const options = { cwd: root, env: { PATH, HOME, DOCKER_HOST, DOCKER_CONFIG }, timeout: 300_000 };
    execFile('docker', ['compose', ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
    });
  });
}

async function succeeds(name: string, ...args: string[]): Promise<string> {
  const ran = await script(name, ...args);
  if (ran.code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${ran.code}:\n${ran.output}`);
  return ran.output;
}

async function call<T = HostAnswer>(
  method: string,
  urlPath: string,
  { at = api, token, body }: { at?: string; token?: string; body?: unknown } = {},
): Promise<Answer<T>> {
  const response = await fetch(`${at}/api/v1${urlPath}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(400_000),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as never };
}

async function containers(): Promise<Container[]> {
  const ids = (await docker.docker('ps', '-aq')).split('\n').filter(Boolean);
  return ids.length === 0 ? [] : (JSON.parse(await docker.docker('inspect', ...ids)) as Container[]);
}

async function componentStates(): Promise<Record<string, string>> {
  type Health = { components: { name: string; status: string }[] };
  const token = readFileSync(path.join(env.DATA_DIR ?? '', 'secrets/metrics_token'), 'utf8').trim();
  const { body } = await call<Health>('GET', '/health/detailed', { token });
  const { components } = body.success ? body.data : (body.error?.details as unknown as Health);
  return Object.fromEntries(components.map(({ name, status }) => [name, status]));
}

const allWell = Object.fromEntries(
  [
    'postgres',
    'queue',
    'redis',
    'reconcilers',
    'libvirt',
    'network',
    'vms',
    'nginx',
    'terraform',
    'disk',
  ].map((name) => [name, 'ok']),
);

const account = { token: '', page: '' };
let hosting: HostAnswer['hosting'];

async function register(name: string): Promise<{ token: string; userId: number }> {
  const [email, password] = [`${name}@example.org`, randomBytes(12).toString('hex')];
  const made = await call<{ user: { id: number } }>('POST', '/auth/register', {
    body: { email, password, username: name },
  });
  expect(made.status).toBe(201);
  const login = await fetch(`${api}/api/v1/auth/login`, {
    method: 'POST',
    body: new URLSearchParams({ username: email, password }),
  });
  return {
    token: ((await login.json()) as { access_token: string }).access_token,
    userId: made.body.data.user.id,
  };
}

it('says what it would do and does nothing', async () => {
  expect(await succeeds('docker-start.sh', '--dry-run')).toContain('Nothing was changed');
  expect(existsSync(env.DATA_DIR ?? '')).toBe(false);
});

it('installs nothing that nobody agreed to', async () => {
  const usual = env;
  const bin = mkdtempSync(path.join(tmpdir(), 'webhoster-no-compose-'));
  const program = (name: string, text: string): void => {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  };
  program('docker', `[ "$1" != compose ] || exit 1\nPATH=\${PATH#*:} exec docker "$@"`);
  env = { ...env, PATH: `${bin}:${env.PATH ?? ''}` };
  const { code, output } = await script('docker-start.sh');
  env = usual;
  rmSync(bin, { recursive: true });
  // as far as this distribution has it
  expect([code, output]).toEqual([
    1,
    expect.stringMatching(
      /not installed: docker-compose.*--yes|Docker Compose is missing.*install the plugin/,
    ),
  ]);
});

it('builds and starts everything with one command, and tells where it is', async () => {
  const output = await succeeds('docker-start.sh', '--offline');
  expect(output).toContain('Ready after');
  expect(output).toContain(`http://localhost:${env.API_PORT ?? ''}/docs`);
  expect(output).toContain('./scripts/docker-stop.sh');
  expect(await componentStates()).toEqual(allWell);
  const running = (await containers()).map((each) => `${serviceOf(each)} ${each.State.Status}`).sort();
  expect(running).toEqual([...services, 'api'].map((name) => `${name} running`).sort());
});

it('gives each container what it needs and no more', async () => {
  for (const container of await containers()) {
    const service = serviceOf(container);
    const { HostConfig, Config, Mounts } = container;
    expect([service, HostConfig.ReadonlyRootfs, HostConfig.CapDrop]).toEqual([service, true, ['ALL']]);
    expect(HostConfig.Memory).toBeGreaterThan(0);
    const root = ['worker', 'nginx'].includes(service);
    expect([service, Config.User, HostConfig.CapAdd?.includes('SYS_ADMIN') ?? false]).toEqual([
      service,
      root ? '' : '64064:64064',
      false,
    ]);
    const sources = Mounts.map(({ Source }) => Source);
    expect([service, sources.includes('/run/libvirt')]).toEqual([service, service === 'worker']);
    expect([service, sources.includes(env.DATA_DIR ?? '')]).toEqual([service, service === 'worker']);
  }
});

it('keeps secrets in files that nobody else reads', async () => {
  const dir = path.join(env.DATA_DIR ?? '', 'secrets');
  const told =
    JSON.stringify(await containers()) + readFileSync(path.join(env.DATA_DIR ?? '', 'docker.env'), 'utf8');
  const names = readdirSync(dir);
  expect(names).toEqual(
    expect.arrayContaining(['postgres_password', 'redis_password', 'jwt_secret', 'state_key']),
  );
  const values = names.map((name) => readFileSync(path.join(dir, name), 'utf8').trim());
  expect(new Set(values).size).toBe(values.length);
  names.forEach((name, index) => {
    expect([name, (statSync(path.join(dir, name)).mode & 0o777).toString(8)]).toEqual([name, '600']);
    expect(values[index]!.length).toBeGreaterThanOrEqual(32);
    expect([name, told.includes(values[index]!)]).toEqual([name, false]);
  });
});

it('makes a hosting whose page and SSH are served by the container of Nginx', async () => {
  const { token, userId } = await register(`compose-${id}`);
  Object.assign(account, { token, page: `${web}/${userId}` });
  const made = await call('POST', '/host', { token });
  expect([made.status, made.body.message]).toEqual([201, expect.any(String)]);
  hosting = made.body.data.hosting;
  expect(hosting.status).toBe('running');
  const page = await fetch(account.page);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(hosting.vm_id)]);
  expect(await greeting(hosting.ssh_port)).toMatch(/^SSH-2\.0-/);
});

it('answers the same from each replica of the API, and as a whole while one is away', async () => {
  const replicas = (await containers()).filter((each) => serviceOf(each) === 'api');
  const ports = replicas.map(({ NetworkSettings }) => Object.values(NetworkSettings.Ports)[0]?.[0]?.HostPort);
  expect(new Set(ports).size).toBe(2);
  for (const port of ports) {
    const mine = await call('GET', '/host/my', {
      at: `http://127.0.0.1:${port ?? ''}`,
      token: account.token,
    });
    expect(mine.body.data.hosting.id).toBe(hosting.id);
  }
  for (const { Id } of replicas) {
    await docker.docker('stop', Id);
    expect((await call('GET', '/host/my', { token: account.token })).status).toBe(200);
    await docker.docker('start', Id);
    await healthy(Id);
  }
});

async function healthy(container: string): Promise<void> {
  await until(
    120_000,
    'the container is healthy',
    async () => (await docker.docker('inspect', '-f', '{{.State.Health.Status}}', container)) === 'healthy',
  );
}

it.each(services)('does not lose the hosting when %s is restarted', async (service) => {
  for (const { Id } of (await containers()).filter((each) => serviceOf(each) === service)) {
    await docker.docker('restart', Id);
    await healthy(Id);
  }
  await until(60_000, 'the page is served', async () => {
    const page = await fetch(account.page).catch(() => null);
    return page?.ok === true && (await page.text()).includes(hosting.vm_id);
  });
  expect(await greeting(hosting.ssh_port)).toMatch(/^SSH-2\.0-/);
  await until(60_000, 'every part is well', async () =>
    Object.values(await componentStates().catch(() => ({ api: 'down' }))).every((status) => status === 'ok'),
  );
  const mine = await call('GET', '/host/my', { token: account.token });
  expect(mine.body.data.hosting).toMatchObject({ id: hosting.id, status: 'running' });
});

it('goes on without Redis, and says so', async () => {
  const redis = (await containers()).find((each) => serviceOf(each) === 'redis')!;
  await docker.docker('stop', redis.Id);
  expect(await componentStates()).toEqual({ ...allWell, redis: 'degraded' });
  expect((await call('GET', '/health/detailed')).status).toBe(200);
  await register(`redis-${id}`);
  await docker.docker('start', redis.Id);
  await until(30_000, 'Redis is back', async () => (await componentStates()).redis === 'ok');
});

it('says which parts nobody looks after when the worker is away', async () => {
  const worker = (await containers()).find((each) => serviceOf(each) === 'worker')!;
  await docker.docker('stop', worker.Id);
  const states = await componentStates();
  expect(states).toMatchObject({ postgres: 'ok', libvirt: 'down', terraform: 'down' });
  expect((await fetch(account.page)).status).toBe(200);
  await docker.docker('start', worker.Id);
  await until(
    60_000,
    'it reports again',
    async () => JSON.stringify(await componentStates()) === JSON.stringify(allWell),
  );
});

it('changes nothing when it is started again', async () => {
  const before = (await containers()).map(({ Id }) => Id).sort();
  env.BASE_IMAGE = readFileSync(path.join(env.CACHE_DIR ?? '', 'docker/base-image'), 'utf8').trim();
  env.BUILD_NETWORK = 'none';
  await succeeds('docker-start.sh');
  expect((await containers()).map(({ Id }) => Id).sort()).toEqual(before);
});

it('lets an operator in, who finds that everything fits together, and makes a backup', async () => {
  const webhoster = (...args: string[]): Promise<string> =>
    succeeds('docker-compose.sh', 'exec', '-T', 'worker', 'webhoster', ...args);
  expect(await webhoster('doctor')).toContain('Everything matches');
  const dir = path.join(env.DATA_DIR ?? '', 'backups');
  mkdirSync(dir, { mode: 0o700 });
  expect(await webhoster('backup', `${dir}/today.backup`)).toContain('written: ');
  expect(statSync(`${dir}/today.backup`).mode & 0o777).toBe(0o600);
});

describe('docker compose in the project’s directory, told nothing', () => {
  const pageIsServed = (): Promise<void> =>
    until(120_000, 'the page is served', async () => {
      const page = await fetch(account.page).catch(() => null);
      return page?.ok === true && (await page.text()).includes(hosting.vm_id);
    });

  it('is told by a file that everybody may read, and that holds no secret', () => {
    const file = path.join(root, 'deploy/docker/started.env');
    expect(statSync(file).mode & 0o777).toBe(0o644);
    const told = readFileSync(file, 'utf8');
    expect(told).toContain(`DATA_DIR=${env.DATA_DIR ?? ''}`);
    const dir = path.join(env.DATA_DIR ?? '', 'secrets');
    for (const name of readdirSync(dir))
      expect([name, told.includes(readFileSync(path.join(dir, name), 'utf8').trim())]).toEqual([name, false]);
  });

  it('lists the containers, and follows their logs', async () => {
    const listed = await compose('ps', '--services');
    expect([listed.code, [...new Set(listed.output.trim().split('\n'))].sort()]).toEqual([
      0,
      [...services].sort(),
    ]);
    const follow = spawn('docker', ['compose', 'logs', '-f', 'api'], { cwd: root, env });
    const lines = new Promise<string>((resolve) =>
      follow.stdout.once('data', (data) => resolve(String(data))),
    );
    expect(await lines).toMatch(/^api-\d/);
    follow.kill();
    await once(follow, 'exit');
  });

  it('restarts, goes down and comes up again as it was', async () => {
    const before = (await containers()).map((each) => serviceOf(each)).sort();
    expect(await compose('restart')).toMatchObject({ code: 0 });
    await pageIsServed();
    expect(await compose('down')).toMatchObject({ code: 0 });
    expect(await containers()).toEqual([]);
    expect(await compose('up', '-d', '--wait')).toMatchObject({ code: 0 });
    expect((await containers()).map((each) => serviceOf(each)).sort()).toEqual(before);
    await pageIsServed();
    await until(60_000, 'every part is well', async () => {
      const states = await componentStates().catch(() => ({ api: 'down' }));
      return JSON.stringify(states) === JSON.stringify(allWell);
    });
  });
});

it('takes the hosting away', async () => {
  expect((await call('DELETE', '/host/my', { token: account.token })).status).toBe(200);
  expect((await fetch(account.page)).status).toBe(404);
  await expect(greeting(hosting.ssh_port)).rejects.toThrow('ECONNREFUSED');
});

it('stops, and starts again with its data', async () => {
  await succeeds('docker-stop.sh');
  await expect(fetch(`${api}/api/v1/health`)).rejects.toThrow();
  await succeeds('docker-start.sh');
  const again = await call('GET', '/auth/me', { token: account.token });
  expect(again.status).toBe(200);
});

it('goes down with its volumes, as Compose is told, and can be started anew', async () => {
  // what is in libvirt, which a database that is gone would know nothing of
  expect(await compose('stop', 'api', 'worker')).toMatchObject({ code: 0 });
  expect(await compose('run', '--rm', '-T', 'setup', 'webhoster', 'service', 'purge-stacks')).toMatchObject({
    code: 0,
  });
  expect(await compose('down', '--volumes', '--remove-orphans')).toMatchObject({ code: 0 });
  expect([await containers(), await docker.docker('volume', 'ls', '-q')]).toEqual([[], '']);
  await succeeds('docker-start.sh');
  expect(await componentStates()).toEqual(allWell);
});

it('refuses to purge without being told so twice', async () => {
  expect((await script('docker-stop.sh', '--purge')).code).toBe(1);
  expect(existsSync(path.join(env.DATA_DIR ?? '', 'secrets'))).toBe(true);
});

it('purges everything it made', async () => {
  await succeeds('docker-stop.sh', '--purge', '--yes');
  expect(await containers()).toEqual([]);
  expect(await docker.docker('volume', 'ls', '-q')).toBe('');
  expect(await docker.docker('image', 'ls', '-q', '--filter', `reference=*/*:${id}`)).toBe('');
  expect(existsSync(path.join(root, 'deploy/docker/started.env'))).toBe(false);
  expect([env.DATA_DIR, env.POOL_DIR].filter((dir) => existsSync(dir ?? ''))).toEqual([]);
  const virsh = (...args: string[]): Promise<string> =>
    new Promise((resolve) => {
      execFile('virsh', ['--connect', 'qemu:///system', ...args], (_, stdout) => {
        resolve(stdout);
      });
    });
  expect(await virsh('pool-list', '--all', '--name')).not.toContain(id);
  expect(await virsh('net-list', '--all', '--name')).not.toContain(id);
});
