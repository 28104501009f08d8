/** The API behind a real Nginx on API_HTTPS_PORT: what a browser, a client with curl and our own scripts see there. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { HttpServer } from '../../api/http-server';
import { loadConfig } from '../../engine/base/config';
import { apiUrlOf, originOf } from '../../engine/base/origins';
import { runCommand } from '../../engine/base/process';
import { projectRoot } from '../../engine/base/project';
import { makeSelfSigned } from '../support/certificates';
import { serveApi } from '../worlds/https-service';
import { baseDomain, type HttpsWorld, openHttpsWorld } from '../worlds/https-world';
import { freePort } from '../support/postgres';
import { strongSecrets as secrets } from '../worlds/fake-parts';

jest.setTimeout(240_000);

let world: HttpsWorld;
let server: HttpServer;
let authority: string;
beforeAll(async () => {
  process.umask(0o077);
  world = await openHttpsWorld({
    TLS_MODE: 'self-signed',
    PUBLIC_HOST: 'localhost',
    HSTS_SECONDS: '3600',
    API_PORT: String(await freePort()),
    API_HTTPS_PORT: String(await freePort()),
  });
  await world.host('mina');
  await world.keep();
  server = await serveApi(world);
  authority = trustedBy(world);
});
afterAll(async () => {
  await server.close();
  await world.close();
});

/** A file with the certificate of the service, as an operator would copy it. */
function trustedBy({ config, dir }: HttpsWorld): string {
  const certificates = path.join(config.nginxDir, 'tls');
  const [file = ''] = readdirSync(certificates).filter((name) => name.endsWith('.crt'));
  const copy = path.join(dir, 'trusted.crt');
  writeFileSync(copy, readFileSync(path.join(certificates, file)));
  return copy;
}

const api = (): string => `https://localhost:${world.config.API_HTTPS_PORT}`;

/** Status line and headers, in lower case, and the body. */
async function curl(...args: string[]): Promise<{ code: number | null; head: string; body: string }> {
  const { code, stdout } = await runCommand([
    ...['curl', '-sS', '-i', '--max-time', '20', '--cacert', authority, ...args],
  ]);
  const [head = '', ...rest] = stdout.split('\r\n\r\n');
  return { code, head: head.toLowerCase(), body: rest.join('\r\n\r\n') };
}

/** Registers from 127.0.0.3, which says that it is somebody else. @returns who it was to the API */
async function registeredFrom(of: HttpsWorld): Promise<string[]> {
  const { config, parts } = of;
  const { code, stdout } = await runCommand([
    ...[
      'curl',
      '-sS4',
      '--cacert',
      trustedBy(of),
      '--interface',
      '127.0.0.3',
      '-H',
      'X-Forwarded-For: 203.0.113.9',
    ],
    ...['-H', 'Content-Type: application/json', '-o', '/dev/null', '-w', '%{http_code}'],
    ...['-d', '{"email":"kim@example.org","username":"kim-kim","password":"a-passphrase-of-kim"}'],
    `https://localhost:${config.API_HTTPS_PORT}/api/v1/auth/register`,
  ]);
  expect([code, stdout]).toEqual([0, '201']);
  const rows: { address: string }[] = await parts.database.direct.query(
    `SELECT address FROM audit_log WHERE action = 'register'`,
  );
  return rows.map(({ address }) => address);
}

describe('the API on API_HTTPS_PORT', () => {
  it('the API on API_HTTPS_PORT answers by HTTP/2 to clients that trust its certificate, and to no others', async () => {
    const { code, head, body } = await curl(`${api()}/api/v1/version`);
    expect([code, head.split('\r\n')[0]?.trim()]).toEqual([0, 'http/2 200']);
    expect(JSON.parse(body)).toMatchObject({ success: true, data: { name: 'vm-webhoster' } });
    // 60: the certificate is signed by nobody that curl knows
    expect((await runCommand(['curl', '-s', `${api()}/api/v1/version`])).code).toBe(60);
    expect((await curl(`${api().replace('https', 'http')}/api/v1/version`)).head).toContain('http/1.1 400');
  });

  it.each([
    ['the API', '/api/v1/version', 200, "default-src 'none'"],
    ['what the API refuses', '/api/v1/auth/me', 401, "default-src 'none'"],
    ['what there is not', '/nothing', 404, "default-src 'none'"],
    ['the documentation', '/docs', 200, "script-src 'self'"],
    ['the OpenAPI document', '/openapi.json', 200, "default-src 'none'"],
  ])('the security headers stand on %s', async (_, at, status, policy) => {
    const { head } = await curl(`${api()}${at}`);
    expect(head).toContain(`http/2 ${status}`);
    for (const header of [
      'strict-transport-security: max-age=3600',
      'x-content-type-options: nosniff',
      'x-frame-options: deny',
      'referrer-policy: no-referrer',
      'cross-origin-opener-policy: same-origin',
      'content-security-policy: ',
    ])
      expect([header, head.includes(header)]).toEqual([header, true]);
    expect(head).toContain(policy);
    expect(head).not.toMatch(/^server: nginx\/\d|^x-powered-by/m);
    expect(head).not.toContain('includesubdomains');
  });

  it('the API on API_HTTPS_PORT learns the client’s address, whatever the client claims', async () => {
    expect(await registeredFrom(world)).toEqual(['127.0.0.3']);
  });

  it('the API is not served in the origin of users’ pages', async () => {
    const at = ['--connect-to', `::127.0.0.1:${world.config.HTTPS_PORT}`];
    const { head } = await curl(...at, 'https://localhost/api/v1/version');
    expect(head).toContain('http/2 404');
  });
});

describe('several API processes behind Nginx', () => {
  it('replicas are reached on API_HTTPS_PORT and learn the client’s address', async () => {
    const replica = await freePort();
    const several = await openHttpsWorld({
      ...{ TLS_MODE: 'self-signed', PUBLIC_HOST: 'localhost', API_HOST: '127.0.0.1' },
      ...{ API_PORT: String(await freePort()), API_HTTPS_PORT: String(await freePort()) },
      ...{ API_BACKENDS: `127.0.0.1:${replica}`, TRUSTED_PROXIES: '127.0.0.1' },
    });
    const behind = await serveApi(several, replica);
    try {
      await several.keep();
      expect(await registeredFrom(several)).toEqual(['127.0.0.3']);
    } finally {
      await behind.close();
      await several.close();
    }
  });
});

describe('Nginx’s own pages by https', () => {
  it.each([
    ['what there is not', `https://localhost`, '/no-such-page', 404],
    ['nobody’s host name', `https://nobody.${baseDomain}`, '/', 404],
  ])('Nginx’s own pages have the security headers, too: %s', async (_, origin, at, status) => {
    const { head } = await curl(
      ...['--connect-to', `::127.0.0.1:${world.config.HTTPS_PORT}`],
      `${origin}${at}`,
    );
    expect(head).toContain(`http/2 ${status}`);
    for (const header of [
      'strict-transport-security: max-age=3600',
      'x-content-type-options: nosniff',
      'x-frame-options: deny',
      'referrer-policy: no-referrer',
      "content-security-policy: default-src 'none'",
    ])
      expect([header, head.includes(header)]).toEqual([header, true]);
  });

  it('HTTP redirects to HTTPS without an HSTS header', async () => {
    const { head } = await curl(`http://localhost:${world.config.HTTP_PORT}/1?a=b`);
    expect(head).toContain('http/1.1 301');
    expect(head).toContain(`location: https://localhost:${world.config.HTTPS_PORT}/1?a=b`);
    expect(head).not.toContain('strict-transport-security');
  });
});

describe('the scripts for a running system', () => {
  const environment = (): Record<string, string> => {
    const { TLS_MODE, PUBLIC_HOST, DATA_DIR, API_PORT, API_HTTPS_PORT, HTTP_PORT, HTTPS_PORT } = world.config;
    const ports = { API_PORT, API_HTTPS_PORT, HTTP_PORT, HTTPS_PORT };
    const texts = Object.entries(ports).map(([name, port]) => [name, String(port)]);
    return { TLS_MODE, PUBLIC_HOST, DATA_DIR, ...(Object.fromEntries(texts) as Record<string, string>) };
  };
  /** A few lines with scripts/lib/client.sh, as the scripts are written. */
  const client = (lines: string, env: Record<string, string> = environment()) =>
    runCommand(['bash', '-c', `. scripts/lib/client.sh\n${lines}`, 'scripts/a-test.sh'], {
      cwd: projectRoot,
      env,
      timeoutMs: 60_000,
    });

  it('test-api.sh tests the whole interface over HTTPS with the service’s certificate', async () => {
    const { code, stdout } = await runCommand(['bash', 'scripts/test-api.sh'], {
      cwd: projectRoot,
      env: environment(),
      timeoutMs: 180_000,
    });
    expect(stdout).toContain(
      `API https://localhost:${world.config.API_HTTPS_PORT}   pages https://localhost:`,
    );
    expect(stdout.split('\n').filter((line) => line.startsWith('FAILED'))).toEqual([]);
    expect(code).toBe(0);
  });

  it('the scripts’ checks read pages by HTTPS and HTTP, by path and by host name', async () => {
    const { HTTP_PORT, HTTPS_PORT } = world.config;
    const { code, stdout } = await client(`
begin 'pages'
check 'by path' page_is "$WEB_URL/1" 200 'page of a guest'
check 'by host name' page_is "https://mina.${baseDomain}:${HTTPS_PORT}/" 200 'page of a guest'
check 'of nobody' page_is "https://nobody.${baseDomain}/" 404
check 'by http' page_is "http://mina.${baseDomain}:${HTTP_PORT}/" 301
summary`);
    expect(stdout).toContain('4 ok, 0 failed');
    expect(code).toBe(0);
  });

  it('the scripts trust the file that CA_FILE names, and no other certificate', async () => {
    const other = path.join(world.dir, 'other.crt');
    writeFileSync(other, (await makeSelfSigned(['localhost'], 10, new Date())).chain);
    const lines = `begin 'trust'; check 'page' page_is "$WEB_URL/1" 200; summary`;
    // as on another machine, where there is no DATA_DIR
    const away = { ...environment(), DATA_DIR: '/var/lib/nothing-is-here' };
    expect((await client(lines, { ...away, CA_FILE: authority })).stdout).toContain('1 ok, 0 failed');
    const refused = await client(lines, { ...away, CA_FILE: other });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('certificate') as string]);
    const unknown = await client(lines, away);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('CA_FILE') as string]);
  });

  it.each([
    [{ TLS_MODE: 'off' }, 'http://localhost:8000 http://localhost'],
    [
      { TLS_MODE: 'self-signed', API_HTTPS_PORT: '8443', HTTPS_PORT: '8444' },
      'https://localhost:8443 https://localhost:8444',
    ],
    [
      { TLS_MODE: 'files', API_HTTPS_PORT: '443', HTTPS_PORT: '8444' },
      'https://localhost https://localhost:8444',
    ],
    [{ TLS_MODE: 'files', API_HTTPS_PORT: '8443' }, 'https://localhost:8443 https://localhost'],
    [{ TLS_MODE: 'self-signed' }, 'http://localhost:8000 https://localhost'],
    [{ TLS_MODE: 'acme', PUBLIC_HOST: '192.0.2.1' }, 'http://192.0.2.1:8000 http://192.0.2.1'],
    [{ TLS_MODE: 'acme', PUBLIC_HOST: 'localhost' }, 'http://localhost:8000 http://localhost'],
    [
      { TLS_MODE: 'acme', PUBLIC_HOST: 'www.example.org' },
      'http://www.example.org:8000 https://www.example.org',
    ],
    [{ HTTP_PORT: '8080', API_PORT: '8001' }, 'http://localhost:8001 http://localhost:8080'],
  ])(
    'the scripts show the same addresses as the engine for %j',
    async (env: Record<string, string>, addresses) => {
      const { stdout } = await client('load_environment; echo "$(api_origin) $(web_origin)"', env);
      expect(stdout.trim()).toBe(addresses);
      const files = { TLS_CERT_FILE: '/own.crt', TLS_KEY_FILE: '/own.key' };
      const least = { ...secrets, NODE_ENV: 'test', DATABASE_URL: 'postgres://127.0.0.1/none', ...files };
      const config = loadConfig({ ...least, BASE_DOMAIN: 'pages.example.org', ...env });
      expect(`${apiUrlOf(config)} ${originOf(config, config.PUBLIC_HOST)}`).toBe(addresses);
    },
  );
});
