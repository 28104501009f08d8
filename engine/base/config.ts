/**
 * All configuration: read from the environment once, typed, and refused by name if a value is invalid.
 * .env.example lists every variable; a test compares the two.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { EngineError } from './errors';
import { networkAround, parseCidr } from './addresses';
import { weaknesses } from './weak-secrets';
import { isDnsName } from './dns-names';

const port = z.coerce.number().int().min(1).max(65535);
const count = z.coerce.number().int().min(1);
/** 0 sets no limit; less than `least` would be a machine nobody can use. */
const limit = (least: number) =>
  z.coerce
    .number()
    .int()
    .max(1_000_000)
    .refine((value) => value === 0 || value >= least, `0 for no limit, or at least ${least}`);
const libvirtName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/, 'letters, digits, dot, dash and underscore, at most 63');
const absolutePath = z
  .string()
  .regex(
    /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+){2,}$/,
    'an absolute path at least two levels deep, of letters, digits, dot, dash, underscore',
  );
const filePath = z.string().regex(/^\/[^\0\n]+$/, 'an absolute path');
const secret = z.string().min(32, 'at least 32 characters; `openssl rand -base64 48` generates one');
/** Separated by commas, spaces or line breaks, none of which base64 has. */
const list = (each: z.ZodType<string, string>) =>
  z
    .string()
    .default('')
    .transform((text) => text.split(/[\s,]+/).filter((part) => part !== ''))
    .pipe(z.array(each));

const schema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('production'),
  ROLE: z.enum(['all', 'api', 'worker']).default('all'),
  LOG_ROTATE_MIB: count.max(10_240).default(20),
  LOG_ROTATE_DAYS: count.max(365).default(7),
  LOG_KEEP_FILES: count.max(1_000).default(8),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  API_HOST: z.string().min(1).default('0.0.0.0'),
  API_PORT: port.default(8000),
  API_PUBLIC_URL: z
    .string()
    .regex(/^https?:\/\/[A-Za-z0-9.-]+(:\d{1,5})?$/, 'an origin such as https://api.example.org')
    .optional(),
  HTTP_PORT: port.default(80),
  PUBLIC_HOST: z
    .string()
    .regex(/^[A-Za-z0-9.-]+$/, 'a host name or IPv4 address')
    .default('localhost'),
  BASE_DOMAIN: z
    .string()
    .regex(/^[a-z0-9]+([.-][a-z0-9]+)*$/, 'a domain name in lower case')
    .default('localhost'),
  TLS_MODE: z.enum(['off', 'self-signed', 'files', 'acme']).default('off'),
  HTTPS_PORT: port.default(443),
  API_HTTPS_PORT: port.optional(),
  HTTPS_REDIRECT: z.stringbool().default(true),
  HSTS_SECONDS: z.coerce.number().int().min(0).max(63_072_000).default(31_536_000),
  TLS_CERT_FILE: filePath.optional(),
  TLS_KEY_FILE: filePath.optional(),
  ACME_DIRECTORY_URL: z
    .string()
    .regex(/^https:\/\/[^\s"']+$/, 'an https:// URL')
    .default('https://acme-v02.api.letsencrypt.org/directory'),
  ACME_EMAIL: z.email('an e-mail address').optional(),
  ACME_EAB_KID: z.string().min(1).optional(),
  ACME_EAB_HMAC_KEY: z
    .string()
    .regex(/^[A-Za-z0-9_-]+=*$/, 'base64url, as issued by the authority')
    .optional(),
  ACME_CA_FILE: filePath.optional(),
  ACME_DNS_HOOK: filePath.optional(),
  DOMAINS_PER_HOSTING: z.coerce.number().int().min(0).max(100).default(5),
  DNS_SERVERS: z
    .string()
    .regex(
      /^(\d{1,3}\.){3}\d{1,3}(:\d+)?(,(\d{1,3}\.){3}\d{1,3}(:\d+)?)*$/,
      'IPv4 addresses, separated by commas',
    )
    .optional(),
  UPLOAD_MAX_MIB: z.coerce.number().int().min(0).max(1_048_576).default(1024),
  HEADERS_MAX_KIB: z.coerce.number().int().min(4).max(256).default(32),
  ANSWER_TIMEOUT_SECONDS: count.max(86_400).default(300),
  IDLE_TIMEOUT_SECONDS: count.max(604_800).default(3_600),
  WEB_DRAIN_SECONDS: count.max(86_400).default(600),
  CONNECTIONS_PER_VISITOR: z.coerce.number().int().min(0).max(100_000).default(512),
  CONNECTIONS_PER_HOSTING: z.coerce.number().int().min(0).max(100_000).default(1_024),
  SSH_CONNECTIONS_PER_VISITOR: z.coerce.number().int().min(0).max(10_000).default(20),
  SSH_PORT_MIN: port.default(10000),
  SSH_PORT_MAX: port.default(20000),
  DATA_DIR: absolutePath.default('/var/lib/vm-webhoster'),
  CACHE_DIR: absolutePath.default('/var/cache/vm-webhoster'),
  POOL_DIR: absolutePath.default('/var/lib/libvirt/vm-webhoster'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'a postgres:// URL')
    .optional(),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, 'a redis:// URL')
    .optional(),
  POSTGRES_PORT: port.default(5433),
  POSTGRES_PASSWORD: secret.optional(),
  JWT_SECRET: secret,
  JWT_OLD_SECRETS: list(secret),
  JWT_TTL_SECONDS: count.default(86_400),
  BCRYPT_COST: z.coerce.number().int().min(4).max(15).default(12),
  STATE_KEY: secret,
  STATE_OLD_KEYS: list(secret),
  METRICS_TOKEN: secret.optional(),
  METRICS_OPEN_LOCAL: z.stringbool().default(false),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .regex(/^https?:\/\/[^\s"'@]+$/, 'an http:// or https:// URL without a password')
    .optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .regex(/^[\w-]+=[^,\r\n]+(,[\w-]+=[^,\r\n]+)*$/, 'NAME=VALUE pairs, separated by commas')
    .optional(),
  OTEL_SERVICE_NAME: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'letters, digits, dot, dash and underscore')
    .default('vm-webhoster'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(0).max(1_000_000).default(600),
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: z.coerce.number().int().min(0).max(1_000_000).default(600),
  CORS_ORIGINS: list(
    z.string().regex(/^https?:\/\/[a-z0-9.-]+(:\d{1,5})?$/, 'an origin such as https://panel.example.org'),
  ),
  TRUSTED_PROXIES: list(
    z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'an IP address or a network such as 10.0.0.0/8'),
  ),
  LIBVIRT_URI: z
    .string()
    .regex(/^qemu(\+[a-z]+)?:\/\/[A-Za-z0-9@._:/?=-]*$/, 'a qemu:// URI')
    .default('qemu:///system'),
  NODE_NAME: libvirtName.default('local'),
  POOL_NAME: libvirtName.default('vm-webhoster'),
  NETWORK_NAME: libvirtName.default('vm-webhoster'),
  NETWORK_BRIDGE: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,14}$/, 'an interface name of at most 15 characters')
    .default('virbr-webhost'),
  NETWORK_CIDR: z.string().default('10.90.0.0/22'),
  EGRESS: z.enum(['open', 'none']).default('open'),
  EGRESS_ALLOW: list(z.union([z.ipv4(), z.cidrv4()], 'an IPv4 address or a network such as 192.168.7.0/24')),
  DOMAIN_TYPE: z.enum(['auto', 'kvm', 'qemu']).default('auto'),
  IMAGE: z.enum(['debian-13', 'ubuntu-22.04', 'ubuntu-24.04', 'micro']).default('debian-13'),
  VM_MEMORY_MIB: z.coerce.number().int().min(96).max(262_144).default(1024),
  VM_VCPUS: z.coerce.number().int().min(1).max(64).default(1),
  VM_DISK_GIB: z.coerce.number().int().min(1).max(10_240).default(20),
  VM_CPU_PERCENT: z.coerce.number().int().min(1).max(100).default(100),
  VM_DISK_IOPS: limit(10).default(2_000),
  VM_DISK_MIBPS: limit(1).default(100),
  VM_NETWORK_MBIT: limit(1).default(100),
  VM_CONNECTIONS: limit(16).default(1_000),
  NODE_MEMORY_OVERCOMMIT: z.coerce.number().min(0.1).max(100).default(1),
  NODE_MEMORY_RESERVE_MIB: z.coerce.number().int().min(0).max(1_048_576).default(512),
  NODE_DISK_OVERCOMMIT: z.coerce.number().min(0.1).max(1_000).default(4),
  POOL_MIN_FREE_MIB: z.coerce.number().int().min(0).max(104_857_600).default(2_048),
  WORKER_CONCURRENCY: count.max(64).default(4),
  WARM_POOL_SIZE: z.coerce.number().int().min(0).max(100).default(0),
  WARM_POOL_MAX: z.coerce.number().int().min(0).max(100).default(0),
  WARM_POOL_SAVED: z.coerce.number().int().min(0).max(100).default(0),
  WARM_POOL_BOOTS: count.max(16).default(1),
  WARM_POOL_MIN_FREE_MIB: z.coerce.number().int().min(0).max(1_048_576).default(1024),
  SLEEP_AFTER_MINUTES: z.coerce.number().min(0).max(525_600).default(0),
  BOOT_TIMEOUT_SECONDS: count.default(300),
  REQUEST_WAIT_SECONDS: count.max(3600).default(180),
  SWEEP_INTERVAL_SECONDS: z.coerce.number().int().min(10).max(86_400).default(300),
  DRIFT_INTERVAL_SECONDS: z.coerce.number().int().min(0).max(604_800).default(3_600),
  RUNS_KEEP_DAYS: count.max(3_650).default(90),
  RUNS_KEEP_PER_STACK: count.max(10_000).default(100),
  RECORDS_KEEP_DAYS: count.max(3_650).default(90),
  AUDIT_KEEP_DAYS: z.coerce.number().int().min(90).max(36_500).default(730),
  IDEMPOTENCY_KEEP_HOURS: count.max(8_760).default(72),
  USERNAME_REST_DAYS: z.coerce.number().int().min(0).max(3_650).default(30),
  SWEEP_FIX: z.stringbool().default(false),
  TERRAFORM_BIN: z.string().default('terraform'),
  NGINX_BIN: z.string().default('nginx'),
  NGINX_CONTROL: z.enum(['own', 'pipe']).default('own'),
  API_BACKENDS: z
    .string()
    .regex(/^[A-Za-z0-9.-]+:\d{1,5}(-\d{1,5})?$/, 'HOST:PORT or HOST:PORT-PORT')
    .refine((value) => expandPorts(value).length > 0, 'at most 32 ports from 1 to 65535, the lower one first')
    .optional(),
});

const secretNames = [
  'JWT_SECRET',
  'JWT_OLD_SECRETS',
  'STATE_KEY',
  'STATE_OLD_KEYS',
  'METRICS_TOKEN',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'ACME_EAB_HMAC_KEY',
  'DATABASE_URL',
  'REDIS_URL',
  'POSTGRES_PASSWORD',
] as const;

export type Settings = z.output<typeof schema>;
export const settingNames = Object.keys(schema.shape) as (keyof Settings)[];

export interface Config extends Settings {
  /** Where node stacks and hosting stacks keep their Terraform working directories. */
  readonly workspacesDir: string;
  readonly nginxDir: string;
  readonly imagesDir: string;
  /** Terraform filesystem mirror that holds the libvirt provider. */
  readonly providerMirrorDir: string;
}

/**
 * Reads and checks the environment.
 *
 * @throws {EngineError} config_invalid, naming every refused variable
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const parsed = schema.safeParse(withSecretFiles(withoutEmpty(env)));
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw refused(lines);
  }
  const settings = parsed.data;
  const problems = [...contradictions(settings), ...weaknesses(settings)];
  if (problems.length > 0) throw refused(problems);
  return {
    ...settings,
    workspacesDir: path.join(settings.DATA_DIR, 'workspaces'),
    nginxDir: path.join(settings.DATA_DIR, 'nginx'),
    imagesDir: path.join(settings.CACHE_DIR, 'images'),
    providerMirrorDir: path.join(settings.CACHE_DIR, 'providers'),
  };
}

function contradictions(settings: Settings): string[] {
  const problems: string[] = [];
  if (settings.SSH_PORT_MIN > settings.SSH_PORT_MAX)
    problems.push('SSH_PORT_MIN: must not be above SSH_PORT_MAX');
  if (parseCidr(settings.NETWORK_CIDR) === null)
    problems.push(
      `NETWORK_CIDR: an IPv4 network of /16 to /29, e.g. ${networkAround(settings.NETWORK_CIDR) ?? '10.90.0.0/22'}`,
    );
  if (settings.DATABASE_URL === undefined && settings.POSTGRES_PASSWORD === undefined) {
    problems.push('DATABASE_URL: set it, or set POSTGRES_PASSWORD for the embedded PostgreSQL');
  }
  const sshPorts = (value: number): boolean =>
    value >= settings.SSH_PORT_MIN && value <= settings.SSH_PORT_MAX;
  for (const name of ['API_PORT', 'HTTP_PORT', 'POSTGRES_PORT'] as const) {
    if (sshPorts(settings[name]))
      problems.push(`${name}: is within the range of SSH ports (SSH_PORT_MIN to SSH_PORT_MAX)`);
  }
  if (settings.API_PORT === settings.POSTGRES_PORT || settings.HTTP_PORT === settings.POSTGRES_PORT) {
    problems.push('POSTGRES_PORT: must differ from API_PORT and HTTP_PORT');
  }
  if (settings.WARM_POOL_MAX > 0 && settings.WARM_POOL_MAX < settings.WARM_POOL_SIZE)
    problems.push('WARM_POOL_MAX: must be 0, or at least WARM_POOL_SIZE');
  if (settings.API_PORT === settings.HTTP_PORT) problems.push('API_PORT: must differ from HTTP_PORT');
  return [...problems, ...httpsContradictions(settings)];
}

function httpsContradictions(settings: Settings): string[] {
  const problems: string[] = [];
  if (settings.TLS_MODE === 'off') return problems;
  const { SSH_PORT_MIN, SSH_PORT_MAX, API_PORT, HTTP_PORT, POSTGRES_PORT, HTTPS_PORT, API_HTTPS_PORT } =
    settings;
  const taken = new Map([
    [API_PORT, 'API_PORT'],
    [HTTP_PORT, 'HTTP_PORT'],
    [POSTGRES_PORT, 'POSTGRES_PORT'],
  ]);
  for (const name of ['HTTPS_PORT', 'API_HTTPS_PORT'] as const) {
    const value = name === 'HTTPS_PORT' ? HTTPS_PORT : API_HTTPS_PORT;
    if (value === undefined) continue;
    if (value >= SSH_PORT_MIN && value <= SSH_PORT_MAX)
      problems.push(`${name}: is within the range of SSH ports (SSH_PORT_MIN to SSH_PORT_MAX)`);
    if (taken.has(value)) problems.push(`${name}: must differ from ${taken.get(value) ?? ''}`);
    taken.set(value, name);
  }
  if (settings.TLS_MODE === 'files')
    for (const name of ['TLS_CERT_FILE', 'TLS_KEY_FILE'] as const)
      if (settings[name] === undefined) problems.push(`${name}: required by TLS_MODE=files`);
  if (settings.TLS_MODE === 'acme' && !isDnsName(settings.BASE_DOMAIN))
    problems.push('BASE_DOMAIN: TLS_MODE=acme needs a domain that the authority can reach');
  if ((settings.ACME_EAB_KID === undefined) !== (settings.ACME_EAB_HMAC_KEY === undefined))
    problems.push('ACME_EAB_KID: set both it and ACME_EAB_HMAC_KEY, or neither');
  return problems;
}

/** `host:8001-8003` as `host:8001`, `host:8002`, `host:8003`; empty if the ports are invalid. */
export function expandPorts(text: string): string[] {
  const [host = '', ports = ''] = text.split(':');
  const [first = 0, last = first] = ports.split('-').map(Number);
  if (first < 1 || last > 65_535 || last < first || last - first >= 32) return [];
  return Array.from({ length: last - first + 1 }, (_, index) => `${host}:${first + index}`);
}

/**
 * An empty variable counts as not set, as people expect of `FOO= ./start.sh` and of compose files; space around a value
 * and the line ends of Windows are no part of it, but of a secret.
 */
function withoutEmpty(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const secrets = new Set<string>(secretNames);
  return Object.fromEntries(
    Object.entries(env)
      .map(([name, value = '']) => [name, secrets.has(name) ? value : value.trim()] as const)
      .filter(([, value]) => value !== ''),
  );
}

/** `NAME_FILE` gives the secret NAME from a file, so that it need not stand in an environment others can read. */
function withSecretFiles(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const result = { ...env };
  for (const name of secretNames) {
    const file = env[`${name}_FILE`];
    if (file === undefined || result[name] !== undefined) continue;
    try {
      const text = readFileSync(file, 'utf8').trim();
      if (text !== '') result[name] = text;
    } catch (cause) {
      throw refused([`${name}_FILE: cannot be read`], cause);
    }
  }
  return result;
}

function refused(lines: readonly string[], cause?: unknown): EngineError {
  return new EngineError('config_invalid', `Invalid configuration:\n  ${lines.join('\n  ')}`, { cause });
}
