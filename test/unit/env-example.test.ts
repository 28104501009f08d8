import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EngineError, loadConfig, settingNames } from '../../engine';

const root = path.join(__dirname, '../..');
const secret = 'Zq3mVt8LwXy1RbKc6NdPf0HsGj5TuAe9';
const least = { JWT_SECRET: secret, STATE_KEY: secret, POSTGRES_PASSWORD: secret };

/** Names that the engine's schema does not have: read by scripts, image builds, or as a way to give a secret. */
const extraNames = [
  'JWT_SECRET_FILE',
  'JWT_OLD_SECRETS_FILE',
  'STATE_KEY_FILE',
  'STATE_OLD_KEYS_FILE',
  'POSTGRES_PASSWORD_FILE',
  'DATABASE_URL_FILE',
  'REDIS_URL_FILE',
  'METRICS_TOKEN_FILE',
  'OTEL_EXPORTER_OTLP_HEADERS_FILE',
  'ACME_EAB_HMAC_KEY_FILE',
  'TERRAFORM_BASE_URL',
  'DEBIAN_MIRROR',
  'UBUNTU_IMAGE_BASE_URL',
];

function refusal(env: Record<string, string>): string {
  try {
    loadConfig({ ...least, ...env });
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).code).toBe('config_invalid');
    return (error as EngineError).message;
  }
  throw new Error('not refused');
}

describe('.env.example', () => {
  const lines = readFileSync(path.join(root, '.env.example'), 'utf8').split('\n');
  const settings = lines.flatMap((line) => {
    const match = /^#([A-Z_]+)=(.*)$/.exec(line);
    return match === null ? [] : [[match[1]!, match[2]!] as const];
  });
  const names = settings.map(([name]) => name);
  const example = Object.fromEntries(settings);

  it('changes nothing when it is copied as it is', () => {
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });

  it('names every setting once, and nothing that nobody reads', () => {
    expect([...names].sort()).toEqual([...settingNames, ...extraNames].sort());
  });

  it('shows the defaults, and nothing for what has none', () => {
    const defaults: Record<string, unknown> = { ...loadConfig(least) };
    const ours = settingNames.filter((name) => !(name in least));
    const shown = Object.fromEntries(ours.map((name) => [name, example[name]]));
    expect(shown).toEqual(Object.fromEntries(ours.map((name) => [name, String(defaults[name] ?? '')])));
    for (const name of Object.keys(least)) expect(example[name]).toBe('');
  });

  it('is a configuration that the engine accepts', () => {
    expect(loadConfig({ ...example, ...least })).toEqual(loadConfig(least));
  });

  it('explains every setting in the line above it', () => {
    const unexplained = lines.filter((line, index) => {
      const above = lines[index - 1] ?? '';
      const explained = /^# \S/.test(above) || /^#(SSH_PORT_MIN|[A-Z_]+)=/.test(above);
      return /^#[A-Z_]+=/.test(line) && !explained;
    });
    expect(unexplained).toEqual([]);
  });

  it('has the defaults that the scripts take for themselves', () => {
    const script = readFileSync(path.join(root, 'scripts/lib/environment.sh'), 'utf8');
    const taken = [...script.matchAll(/export ([A-Z_]+)=\$\{\1:-([^}]*)\}/g)];
    expect(taken.length).toBeGreaterThan(5);
    for (const [, name, value] of taken) expect([name, example[name!]]).toEqual([name, value]);
  });
});

describe('loadConfig', () => {
  it('needs the secrets and nothing else', () => {
    expect(() => loadConfig(least)).not.toThrow();
    for (const name of ['JWT_SECRET', 'STATE_KEY']) expect(refusal({ [name]: '' })).toContain(`${name}: `);
  });

  it.each([
    ['a choice', 'NODE_ENV', 'staging'],
    ['a choice', 'ROLE', 'All'],
    ['a choice', 'LOG_LEVEL', 'verbose'],
    ['a choice', 'EGRESS', 'yes'],
    ['a choice', 'DOMAIN_TYPE', 'xen'],
    ['a choice', 'IMAGE', 'debian-12'],
    ['a port', 'API_PORT', '0'],
    ['a port', 'HTTP_PORT', '65536'],
    ['a port', 'SSH_PORT_MIN', '22.5'],
    ['a port', 'SSH_PORT_MAX', 'ssh'],
    ['a port', 'POSTGRES_PORT', '-1'],
    ['a count', 'JWT_TTL_SECONDS', '0'],
    ['a count', 'BOOT_TIMEOUT_SECONDS', '1.5'],
    ['a count with an upper bound', 'WORKER_CONCURRENCY', '65'],
    ['a count with an upper bound', 'REQUEST_WAIT_SECONDS', '3601'],
    ['a range', 'BCRYPT_COST', '3'],
    ['a range', 'VM_MEMORY_MIB', '95'],
    ['a range', 'VM_VCPUS', '65'],
    ['a range', 'VM_DISK_GIB', '20 GiB'],
    ['a host', 'PUBLIC_HOST', 'localhost:80'],
    ['a host', 'PUBLIC_HOST', 'a;listen 81'],
    ['a domain', 'BASE_DOMAIN', 'Example.com'],
    ['a domain', 'BASE_DOMAIN', '*.example.com'],
    ['a path', 'DATA_DIR', 'data'],
    ['a path', 'DATA_DIR', '/'],
    ['a path', 'DATA_DIR', '/var/lib/../..'],
    ['a path', 'CACHE_DIR', '/var/cache/a b'],
    ['a path', 'POOL_DIR', '/var/${file("/etc/passwd")}'],
    ['a Redis URL', 'REDIS_URL', 'http://localhost:6379'],
    ['a choice', 'NGINX_CONTROL', 'signal'],
    ['ports of API processes', 'API_BACKENDS', '127.0.0.1'],
    ['ports of API processes', 'API_BACKENDS', '127.0.0.1:8004-8001'],
    ['ports of API processes', 'API_BACKENDS', '127.0.0.1:8001-8033'],
    ['ports of API processes', 'API_BACKENDS', '127.0.0.1:65535-65536'],
    ['a database URL', 'DATABASE_URL', 'mysql://localhost/x'],
    ['a secret', 'JWT_SECRET', 'x'.repeat(31)],
    ['a secret', 'STATE_KEY', 'short'],
    ['a secret', 'POSTGRES_PASSWORD', 'short'],
    ['a libvirt URI', 'LIBVIRT_URI', 'xen:///'],
    ['a libvirt URI', 'LIBVIRT_URI', 'qemu:///system"'],
    ['a libvirt name', 'NODE_NAME', '-node'],
    ['a libvirt name', 'POOL_NAME', 'a/b'],
    ['a libvirt name', 'NETWORK_NAME', 'n'.repeat(64)],
    ['an interface name', 'NETWORK_BRIDGE', 'b'.repeat(16)],
    ['a network', 'NETWORK_CIDR', '10.90.0.0/15'],
    ['a network', 'NETWORK_CIDR', '10.90.0.1/22'],
    ['a network', 'NETWORK_CIDR', '10.90.0.0'],
  ])('refuses by name %s that is none: %s=%s', (_kind, name, value) => {
    expect(refusal({ [name]: value })).toContain(`\n  ${name}: `);
  });

  it('names everything that is wrong at once', () => {
    const message = refusal({ API_PORT: 'x', IMAGE: 'x', JWT_SECRET: 'x' });
    for (const name of ['API_PORT', 'IMAGE', 'JWT_SECRET']) expect(message).toContain(`${name}: `);
  });

  it.each([
    ['SSH_PORT_MIN', { SSH_PORT_MIN: '20001' }],
    ['API_PORT', { API_PORT: '10000' }],
    ['HTTP_PORT', { HTTP_PORT: '20000' }],
    ['POSTGRES_PORT', { POSTGRES_PORT: '15000' }],
    ['API_PORT', { API_PORT: '8080', HTTP_PORT: '8080' }],
    ['DATABASE_URL', { POSTGRES_PASSWORD: '' }],
  ])('refuses what contradicts another setting: %s of %j', (name, env) => {
    expect(refusal(env)).toContain(`\n  ${name}: `);
  });

  describe('outside development', () => {
    it.each([
      ['JWT_SECRET', 'x'.repeat(64)],
      ['JWT_SECRET', 'abcabcabcabcabcabcabcabcabcabcabcabc'],
      ['JWT_SECRET', 'please-change-me-please-change-me-now'],
      ['STATE_KEY', 'this is my-secret key for this service'],
      ['STATE_KEY', 'your_key_goes_here_0123456789abcdefgh'],
      ['METRICS_TOKEN', '1234567890123456789012345678901234567890'],
      ['POSTGRES_PASSWORD', 'passwordpasswordpasswordpassword'],
      ['JWT_OLD_SECRETS', `${secret}-old,${'y'.repeat(40)}`],
      ['DATABASE_URL', 'postgres://postgres:postgres@db.example/webhoster'],
      ['BCRYPT_COST', '9'],
      ['STATE_OLD_KEYS', secret],
    ])('refuses the weak %s %s and says what to do', (name, value) => {
      const message = refusal({ [name]: value });
      expect(message).toContain(`\n  ${name}: `);
      expect(message).toMatch(/generate|change|at least/);
      if (value.length > 10) expect(message).not.toContain(value);
      // a test or a developer may
      expect(() => loadConfig({ ...least, NODE_ENV: 'development', [name]: value })).not.toThrow();
    });

    it('takes what openssl makes, base64 and hexadecimal', () => {
      for (let round = 0; round < 200; round++) {
        const made = randomBytes(48).toString(round % 2 ? 'base64' : 'hex');
        expect(() => loadConfig({ ...least, JWT_SECRET: made, STATE_KEY: made })).not.toThrow();
      }
    });
  });

  it('reads lists separated by commas, spaces or lines, and holds each part to its rules', () => {
    const { JWT_OLD_SECRETS, CORS_ORIGINS, TRUSTED_PROXIES } = loadConfig({
      ...least,
      JWT_OLD_SECRETS: `${secret}-1, ${secret}-2\n${secret}-3`,
      CORS_ORIGINS: 'https://a.example,http://localhost:3000',
      TRUSTED_PROXIES: '10.0.0.0/8 ::1',
    });
    expect(JWT_OLD_SECRETS).toEqual([1, 2, 3].map((each) => `${secret}-${each}`));
    expect(CORS_ORIGINS).toEqual(['https://a.example', 'http://localhost:3000']);
    expect(TRUSTED_PROXIES).toEqual(['10.0.0.0/8', '::1']);
    expect(refusal({ JWT_OLD_SECRETS: `${secret},short` })).toContain('JWT_OLD_SECRETS.1: ');
    for (const bad of ['*', 'null', 'https://a.example/', 'https://*.example', 'a.example'])
      expect(refusal({ CORS_ORIGINS: bad })).toContain('CORS_ORIGINS.0: ');
    for (const bad of ['true', '1', 'all', '10.0.0.0/99'])
      expect(refusal({ TRUSTED_PROXIES: bad })).toContain('TRUSTED_PROXIES.0: ');
  });

  it('never repeats a secret it refuses', () => {
    expect(refusal({ JWT_SECRET: 'hunter2-hunter2' })).not.toContain('hunter2');
  });

  it('takes an empty value for none', () => {
    expect(loadConfig({ ...least, API_PORT: '', DATABASE_URL: '' })).toEqual(loadConfig(least));
  });

  it('needs no POSTGRES_PASSWORD beside a DATABASE_URL', () => {
    const url = 'postgres://user:kfRtW2yqPa@db.example/webhoster';
    expect(loadConfig({ JWT_SECRET: secret, STATE_KEY: secret, DATABASE_URL: url }).DATABASE_URL).toBe(url);
  });

  it('derives its directories', () => {
    expect(loadConfig({ ...least, DATA_DIR: '/srv/d', CACHE_DIR: '/srv/c' })).toMatchObject({
      workspacesDir: '/srv/d/workspaces',
      nginxDir: '/srv/d/nginx',
      imagesDir: '/srv/c/images',
      providerMirrorDir: '/srv/c/providers',
    });
  });

  describe('with a secret in a file', () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'secrets-'));
    const file = path.join(dir, 'jwt');
    afterAll(() => {
      rmSync(dir, { recursive: true });
    });

    it('reads it without the line break at its end', () => {
      const inFile = `${secret}-in-a-file`;
      writeFileSync(file, `${inFile}\n`);
      expect(loadConfig({ ...least, JWT_SECRET: undefined, JWT_SECRET_FILE: file }).JWT_SECRET).toBe(inFile);
    });

    it('prefers the variable itself', () => {
      expect(loadConfig({ ...least, JWT_SECRET_FILE: file }).JWT_SECRET).toBe(secret);
    });

    it('holds it to the same length', () => {
      writeFileSync(file, 'short');
      expect(refusal({ JWT_SECRET: '', JWT_SECRET_FILE: file })).toContain('JWT_SECRET: ');
    });

    it('names a file that cannot be read, and not where it is', () => {
      const missing = path.join(dir, 'missing');
      const message = refusal({ STATE_KEY: '', STATE_KEY_FILE: missing });
      expect(message).toContain('STATE_KEY_FILE: ');
      expect(message).not.toContain(missing);
    });
  });
});
