/**
 * What a person does on a fresh machine: start.sh, the workflow scripts, stop.sh. With the guest that real users get
 * (debian-13), on ports and directories of its own.
 */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../support/postgres';

jest.setTimeout(900_000);
const root = path.join(__dirname, '../..');
const id = randomBytes(3).toString('hex');
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  const [apiPort, httpPort, postgresPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const dir = mkdtempSync(`/var/lib/webhoster-e2e-${id}-`);
  env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    CACHE_DIR: process.env.CACHE_DIR,
    DATA_DIR: dir,
    POOL_DIR: `/var/lib/libvirt/webhoster-e2e-${id}`,
    POOL_NAME: `whe-${id}`,
    NETWORK_NAME: `whe-${id}`,
    NETWORK_BRIDGE: `whe${id}`,
    NETWORK_CIDR: `10.${randomInt(100, 200)}.${randomInt(256)}.0/26`,
    EGRESS: 'none',
    IMAGE: 'debian-13',
    API_HOST: '127.0.0.1',
    API_PORT: String(apiPort),
    HTTP_PORT: String(httpPort),
    POSTGRES_PORT: String(postgresPort),
    SSH_PORT_MIN: '9500',
    SSH_PORT_MAX: '9549',
    // with node_modules complete, the start must not take the test tools away
    WITH_DEV: '1',
  };
});
afterAll(async () => {
  await script('stop.sh', '--purge', '--yes').catch(() => undefined);
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
      { env, timeout: 600_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, output: stdout + stderr });
      },
    );
    // nobody is there to answer a question
    child.stdin?.end();
  });
}

async function succeeds(name: string, ...args: string[]): Promise<Ran> {
  const ran = await script(name, ...args);
  if (ran.code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${ran.code}:\n${ran.output}`);
  return ran;
}

it('says what it would do and does nothing', async () => {
  const { output } = await succeeds('start.sh', '--dry-run');
  expect(output).toContain('would run');
  expect(output).toContain('Nothing was changed');
  expect(existsSync(path.join(env.DATA_DIR ?? '', 'secrets'))).toBe(false);
});

it('refuses a bad setting by name, before it starts anything', async () => {
  env.EGRESS = 'sometimes';
  const { code, output } = await script('start.sh');
  env.EGRESS = 'none';
  expect(code).toBe(1);
  expect(output).toContain('EGRESS');
});

describe('on a machine without Terraform', () => {
  let cache: string;
  beforeAll(() => {
    cache = mkdtempSync(path.join(tmpdir(), 'webhoster-cache-'));
  });
  afterAll(() => {
    rmSync(cache, { recursive: true, force: true });
  });

  async function startWithout(baseUrl: string): Promise<Ran> {
    const places = (env.PATH ?? '').split(':').filter((dir) => !existsSync(path.join(dir, 'terraform')));
    const usual = env;
    env = { ...env, PATH: places.join(':'), CACHE_DIR: cache, TERRAFORM_BASE_URL: baseUrl };
    const ran = await script('start.sh');
    env = usual;
    return ran;
  }

  it('says how to get it when it cannot be downloaded', async () => {
    const { code, output } = await startWithout('http://127.0.0.1:9/terraform');
    expect(code).toBe(1);
    expect(output).toContain('Terraform could not be downloaded from http://127.0.0.1:9/terraform/');
    expect(output).toContain('TERRAFORM_BIN');
  });

  it('installs nothing that does not have the pinned checksum', async () => {
    const server = createServer((_, response) => response.end('not Terraform'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { code, output } = await startWithout(`http://127.0.0.1:${port}`);
    server.close();
    expect(code).toBe(1);
    expect(output).toContain('does not match the pinned checksum; nothing was installed');
    expect(existsSync(path.join(cache, 'bin/terraform'))).toBe(false);
  });
});

it('starts everything, tells the URLs, and is healthy when it returns; two at once are one', async () => {
  const both = await Promise.all([succeeds('start.sh'), succeeds('start.sh')]);
  for (const { output } of both) expect(output).toContain('Ready after');
  expect(
    both.map(({ output }) => [...output.matchAll(/API, worker and Nginx +done/g)].length).sort(),
  ).toEqual([0, 1]);
  const api = `http://127.0.0.1:${env.API_PORT ?? ''}`;
  const token = readFileSync(path.join(env.DATA_DIR ?? '', 'secrets/metrics_token'), 'utf8').trim();
  const asked = await fetch(`${api}/api/v1/health/detailed`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const health = (await asked.json()) as {
    data: { components: { status: string }[] };
  };
  for (const component of health.data.components) expect(component).toMatchObject({ status: 'ok' });
  const landing = await (await fetch(`http://127.0.0.1:${env.HTTP_PORT ?? ''}/`)).text();
  expect(landing).toContain('/docs');
});

/** What /proc says of the process of a pid file. */
function statusOf(part: 'api' | 'worker'): Record<string, string> {
  const pid = readFileSync(path.join(env.DATA_DIR ?? '', 'run', `${part}.pid`), 'utf8').trim();
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return Object.fromEntries(lines.map((line) => line.split(':\t') as [string, string]));
}

it('runs the API as a user that can do nothing but answer, apart from the worker', () => {
  const api = statusOf('api');
  expect(api).toMatchObject({ NoNewPrivs: '1', CapEff: '0000000000000000', CapBnd: '0000000000000000' });
  const [uid = '0', gid = '0'] = [api.Uid, api.Gid].map((ids = '0') => ids.split('\t')[0] ?? '0');
  expect([uid, gid, api.Groups?.trim()]).not.toContain('0');
  expect(statusOf('worker').Uid).toMatch(/^0\t/);
  const { DATA_DIR = '', POOL_DIR = '' } = env;
  const closed = ['secrets', 'workspaces', 'nginx/nginx.conf', 'nginx/ssh', 'run', 'worker.log', 'postgres'];
  const places = [...closed.map((name) => path.join(DATA_DIR, name)), POOL_DIR];
  const asApi = (...argv: string[]): number | null =>
    spawnSync('setpriv', ['--reuid', uid, '--regid', gid, '--clear-groups', '--no-new-privs', ...argv])
      .status;
  for (const place of places) expect([place, existsSync(place)]).toEqual([place, true]);
  expect(places.filter((place) => asApi('test', '-r', place) === 0)).toEqual([]);
  expect(asApi('virsh', '--connect', 'qemu:///system', 'list')).not.toBe(0);
});

it('starts a second time and changes nothing', async () => {
  const { output } = await succeeds('start.sh');
  const done = [...output.matchAll(/^\[.*\] (.*\S) +done/gm)].map(([, title]) => title);
  // these look by themselves whether there is anything to do
  expect(done.sort()).toEqual(['Network, pool and base image', 'PostgreSQL', 'Settings']);
});

it('answers as the interface says', async () => {
  await succeeds('test-api.sh');
});

it('makes a hosting whose page, ssh and sftp work, and takes it away', async () => {
  await succeeds('test-workflow.sh');
});

it('makes a VM as it should be', async () => {
  await succeeds('test-vm.sh');
});

it('refuses to purge without being told so twice', async () => {
  const { code } = await script('stop.sh', '--purge');
  expect(code).not.toBe(0);
  expect(existsSync(path.join(env.DATA_DIR ?? '', 'postgres'))).toBe(true);
});

it('stops and starts again with its data', async () => {
  await succeeds('stop.sh');
  await expect(fetch(`http://127.0.0.1:${env.API_PORT ?? ''}/api/v1/health`)).rejects.toThrow();
  await succeeds('start.sh');
  await succeeds('test-api.sh');
});

it('comes back from a backup when its data directory is gone', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-backup-'));
  try {
    const file = path.join(dir, 'backup');
    expect((await succeeds('webhoster', 'backup', file)).output).toContain('written: ');
    await succeeds('stop.sh');
    const dataDir = env.DATA_DIR ?? '';
    const key = path.join(dataDir, 'secrets/state_key');
    const kept = readFileSync(key);
    rmSync(dataDir, { recursive: true });
    // a key that is made up now would be in the way of the right one
    const without = await script('start.sh', '--restore', file);
    expect([without.code, without.output]).toEqual([
      1,
      expect.stringContaining(`STATE_KEY it was made with`),
    ]);
    expect(existsSync(dataDir)).toBe(false);
    mkdirSync(path.dirname(key), { recursive: true });
    writeFileSync(key, kept, { mode: 0o600 });
    const { output } = await succeeds('start.sh', '--restore', file);
    expect(output).toMatch(/^[0-9a-f-]{36} +node +no changes /m);
    expect(output).toContain('Ready after');
    await succeeds('test-api.sh');
    expect((await script('start.sh', '--restore', file)).output).toContain('The service is running');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

it('goes over to https, and its scripts with it', async () => {
  const [httpsPort, apiPort] = await Promise.all([freePort(), freePort()]);
  // no client takes `*.localhost` for a certificate's name
  const tls = { TLS_MODE: 'self-signed', BASE_DOMAIN: 'pages.localhost' };
  env = { ...env, ...tls, HTTPS_PORT: String(httpsPort), API_HTTPS_PORT: String(apiPort) };
  const { output } = await succeeds('start.sh');
  expect(output).toContain(`Service      https://localhost:${httpsPort}/`);
  expect(output).toContain(`API docs     https://localhost:${apiPort}/docs`);
  const ran = await succeeds('test-workflow.sh');
  expect(ran.output).toContain(`API https://localhost:${apiPort}   pages https://localhost:${httpsPort}`);
});

it('purges everything it made', async () => {
  await succeeds('stop.sh', '--purge', '--yes');
  expect(existsSync(env.DATA_DIR ?? '')).toBe(false);
  expect(existsSync(env.POOL_DIR ?? '')).toBe(false);
});
