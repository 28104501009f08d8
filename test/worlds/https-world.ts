/**
 * An engine with a real Nginx and a fake of everything else: what tests of certificates work in. VMs are servers on
 * 127.0.0.2 and the like; a few lines of shell put their port in the place of 80.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import type { Config } from '../../engine/base/config';
import type { EngineParts, Parts } from '../../engine/durable';
import type { User } from '../../engine/model/account';
import { createLog } from '../../engine/base/log';
import { stopProxy } from '../../engine/operator';
import { connectParts } from '../../engine/start';
import { insertUser } from '../../engine/store/users';
import { keepCertificates, makeSelfSigned } from '../support/certificates';
import { FakeHost } from '../fakes/fake-host';
import { fakeParts, readyNode, testConfig } from './fake-parts';
import { cacheDir, cloneDatabase, freePort } from '../support/postgres';

export const baseDomain = 'pages.example.org';

export interface HttpsWorld extends EngineParts {
  readonly dir: string;
  readonly config: Config;
  /** A user with a running hosting whose page says `page of NAME`. */
  host(username: string): Promise<{ user: User; hostingId: string }>;
  /** One look at the certificates, as the reconciler does. */
  keep(): Promise<void>;
  /** The certificate that Nginx shows for this name. */
  shown(servername: string): Promise<tls.PeerCertificate>;
  get(target: { host: string; path?: string; secure?: boolean }): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export async function openHttpsWorld(
  settings: Record<string, string>,
  replace: Partial<Parts> = {},
): Promise<HttpsWorld> {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-https-'));
  chmodSync(dir, 0o711);
  const fake = new FakeHost();
  const guest = http.createServer((request, response) => {
    const { host, 'x-forwarded-proto': proto } = request.headers;
    const page = fake.pages.get(request.socket.localAddress ?? '');
    if (page !== undefined) return void response.end(page);
    response.setHeader('Strict-Transport-Security', 'max-age=1; includeSubDomains');
    response.end(`page of a guest: ${JSON.stringify({ host, proto, url: request.url })}`);
  });
  await new Promise<void>((resolve) => guest.listen(0, '0.0.0.0', resolve));
  const guestPort = (guest.address() as AddressInfo).port;
  const program = path.join(dir, 'nginx-for-test');
  writeFileSync(program, wrapper(guestPort), { mode: 0o755 });
  const own = {
    BASE_DOMAIN: baseDomain,
    PUBLIC_HOST: 'www.example.org',
    HTTP_PORT: String(await freePort()),
    HTTPS_PORT: String(await freePort()),
    // made VMs are on loopback, too
    NETWORK_CIDR: '127.8.0.0/24',
    SSH_PORT_MIN: '1025',
    SSH_PORT_MAX: '1124',
    NGINX_BIN: program,
  };
  const config = testConfig({ dir, url: await cloneDatabase() }, { ...own, ...settings });
  // Nginx is the real one
  const { proxy, ...fakes } = fakeParts(fake);
  const log = createLog(process.env.TEST_LOG ?? 'silent');
  const connected = await connectParts(config, log, { ...fakes, ...replace });
  const { parts, bus } = connected;
  await readyNode(parts);
  const world: HttpsWorld = {
    ...connected,
    dir,
    config,
    host: (username) => runningHosting(parts, username),
    keep: () => keepCertificates(parts, `test:${randomUUID()}`, new AbortController().signal),
    shown: (servername) =>
      new Promise((resolve, reject) => {
        const socket = tls.connect(
          { port: config.HTTPS_PORT, host: '127.0.0.1', servername, rejectUnauthorized: false },
          () => {
            resolve(socket.getPeerCertificate());
            socket.destroy();
          },
        );
        socket.on('error', reject);
      }),
    get: (target) => get(config, target),
    close: async () => {
      await stopProxy(config);
      for (let tries = 0; existsSync(path.join(config.nginxDir, 'nginx.pid')) && tries < 300; tries++)
        await delay(10);
      await bus.close();
      await parts.database.close();
      guest.closeAllConnections();
      await new Promise((resolve) => guest.close(resolve));
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return world;
}

async function runningHosting(parts: Parts, username: string) {
  const { database } = parts;
  const user = await insertUser(database.direct, {
    email: `${username}@example.org`,
    username,
    passwordHash: 'none',
  });
  const hostingId = randomUUID();
  await database.direct.query(
    `INSERT INTO hostings (id, user_id, node, vm_name, status, image, memory_mib, vcpus, disk_gib, ip, mac, ssh_port,
       ssh_public_key) VALUES ($1, $2, $3, $4, 'running', 'micro', 128, 1, 1, '127.0.0.2', '52:54:00:00:00:01', $5, 'none')`,
    [hostingId, user.id, parts.config.NODE_NAME, `vm-${hostingId.slice(0, 8)}`, await freePort()],
  );
  await database.direct.query(`INSERT INTO routes (hosting_id) VALUES ($1)`, [hostingId]);
  return { user, hostingId };
}

function get(config: Config, target: { host: string; path?: string; secure?: boolean }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { host, path: urlPath = '/', secure = false } = target;
    const onAnswer = (response: http.IncomingMessage): void => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    };
    const options = { host: '127.0.0.1', path: urlPath, agent: false, headers: { host } } as const;
    const request = secure
      ? https.get(
          { ...options, port: config.HTTPS_PORT, servername: host, rejectUnauthorized: false },
          onAnswer,
        )
      : http.get({ ...options, port: config.HTTP_PORT }, onAnswer);
    request.on('error', reject);
  });
}

function wrapper(guestPort: number): string {
  return `#!/bin/sh
# the value after -c is the configuration
previous=
for argument; do
  shift
  if [ "$previous" = -c ]; then
    sed -e 's#proxy_pass http://\\($vm_by_[a-z]*\\)#proxy_pass http://\\1:${guestPort}#' "$argument" > "$argument.for-test"
    argument=$argument.for-test
  fi
  previous=$argument
  set -- "$@" "$argument"
done
exec nginx "$@"
`;
}

export interface Pebble {
  readonly settings: Record<string, string>;
  /** host:port of the name server that Pebble asks, and where a TXT record can be put. */
  readonly dnsServer: string;
  readonly challengesUrl: string;
  setTxt(name: string, value: string): Promise<void>;
  /** From here on the name server fails to find this host. */
  hide(host: string): Promise<void>;
  /** From here on the authority says that this certificate is to be renewed within the last minute. */
  wantsRenewal(certificate: string): Promise<void>;
  /** Ends the authority, so that nobody answers any more. */
  fail(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Pebble with its test server of names, which says 127.0.0.1 of every name: challenges are truly fetched.
 *
 * @param httpPort  where the authority fetches challenges
 */
export async function startPebble(httpPort: number, lifetimeSeconds = 7_776_000): Promise<Pebble> {
  const programs = path.join(cacheDir, 'pebble');
  if (!existsSync(path.join(programs, 'pebble')))
    throw new Error('Pebble is not built; scripts/test.sh --quick builds it');
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-pebble-'));
  const [port, management, dns, challenges] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const own = await makeSelfSigned(['127.0.0.1', 'localhost'], 10, new Date());
  const file = (name: string): string => path.join(dir, name);
  writeFileSync(file('own.crt'), own.chain);
  writeFileSync(file('own.key'), own.key, { mode: 0o600 });
  writeFileSync(
    file('pebble.json'),
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: file('own.crt'),
        privateKey: file('own.key'),
        httpPort,
        tlsPort: 5001,
        profiles: { default: { description: 'for tests', validityPeriod: lifetimeSeconds } },
      },
    }),
  );
  const children: ChildProcess[] = [];
  const start = (name: string, args: string[]): ChildProcess => {
    const child = spawn(path.join(programs, name), args, {
      env: { PATH: process.env.PATH, PEBBLE_VA_ALWAYS_VALID: '0', PEBBLE_VA_NOSLEEP: '1' },
      stdio: process.env.TEST_LOG === undefined ? 'ignore' : 'inherit',
    });
    children.push(child);
    return child;
  };
  const end = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
  };
  start('pebble-challtestsrv', [
    ...['-management', `127.0.0.1:${challenges}`, '-dnsserver', `127.0.0.1:${dns}`],
    ...[
      '-defaultIPv4',
      '127.0.0.1',
      '-defaultIPv6',
      '',
      '-http01',
      '',
      '-https01',
      '',
      '-tlsalpn01',
      '',
      '-doh',
      '',
    ],
  ]);
  const pebble = start('pebble', ['-config', file('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`]);
  const directoryUrl = `https://127.0.0.1:${port}/dir`;
  await answers(port);
  await answers(management);
  await answers(challenges);
  const challengesUrl = `http://127.0.0.1:${challenges}`;
  const tell = async (at: string, what: object): Promise<void> => {
    await fetch(`${challengesUrl}${at}`, { method: 'POST', body: JSON.stringify(what) });
  };
  return {
    settings: { TLS_MODE: 'acme', ACME_DIRECTORY_URL: directoryUrl, ACME_CA_FILE: file('own.crt') },
    dnsServer: `127.0.0.1:${dns}`,
    challengesUrl,
    setTxt: (name, value) => tell('/set-txt', { host: `${name}.`, value }),
    hide: (host) => tell('/set-servfail', { host: `${host}.` }),
    wantsRenewal: async (certificate) => {
      const now = Date.now();
      const window = { start: new Date(now - 60_000), end: new Date(now - 1_000) };
      const body = JSON.stringify({
        certificate,
        ariResponse: JSON.stringify({ suggestedWindow: window }),
      });
      await post(management, '/set-renewal-info/', body, own.chain);
    },
    fail: () => end(pebble),
    close: async () => {
      for (const child of children) await end(child);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      const end = (found: boolean): void => {
        socket.destroy();
        resolve(found);
      };
      socket.once('connect', () => end(true));
      socket.once('error', () => end(false));
    });
    if (open) return;
    if (tries > 200) throw new Error(`nobody listens on ${port}`);
    await delay(50);
  }
}

async function post(port: number, urlPath: string, body: string, ca: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const sent = https.request(
      { host: '127.0.0.1', port, path: urlPath, method: 'POST', ca, headers: { 'user-agent': 'test' } },
      (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
        response.on('end', () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${urlPath}: ${response.statusCode} ${said}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
