import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EngineError, loadConfig, settingNames } from '../../engine';

const root = path.join(__dirname, '../..');
const secret = 'x'.repeat(32);
const least = { JWT_SECRET: secret, STATE_KEY: secret, POSTGRES_PASSWORD: secret };

/** Names that the engine's schema does not have: read by scripts, image builds, or as a way to give a secret. */
const extraNames = [
  'JWT_SECRET_FILE',
  'STATE_KEY_FILE',
  'POSTGRES_PASSWORD_FILE',
  'DATABASE_URL_FILE',
  'METRICS_TOKEN_FILE',
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

  it('never repeats a secret it refuses', () => {
    expect(refusal({ JWT_SECRET: 'hunter2-hunter2' })).not.toContain('hunter2');
  });

  it('takes an empty value for none', () => {
    expect(loadConfig({ ...least, API_PORT: '', DATABASE_URL: '' })).toEqual(loadConfig(least));
  });

  it('needs no POSTGRES_PASSWORD beside a DATABASE_URL', () => {
    const url = 'postgres://user:password@db.example/webhoster';
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
      writeFileSync(file, `${'f'.repeat(40)}\n`);
      expect(loadConfig({ ...least, JWT_SECRET: undefined, JWT_SECRET_FILE: file }).JWT_SECRET).toBe(
        'f'.repeat(40),
      );
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
