/** Certificates on a real Nginx: from an authority (Pebble, which truly fetches its challenges), from files, from nobody. */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type tls from 'node:tls';
import { metrics } from '../../engine/monitoring';
import { allCertificates } from '../../engine/store/certificates';
import { claimLease } from '../../engine/store/leases';
import { makeSelfSigned } from '../support/certificates';
import { baseDomain, type HttpsWorld, openHttpsWorld, type Pebble, startPebble } from '../worlds/https-world';
import { freePort } from '../support/postgres';
import { certificateIsDue } from '../support/rows';
import { until } from '../support/until';

jest.setTimeout(120_000);

let world: HttpsWorld;
let pebble: Pebble | null = null;
beforeEach(() => {
  process.umask(0o077);
});
afterEach(async () => {
  await world.close();
  await pebble?.close();
  pebble = null;
});

const sql = (text: string, values: unknown[] = []): Promise<unknown> =>
  world.parts.database.direct.query(text, values);
const certificates = () => allCertificates(world.parts.database.direct);
const certificate = async (name: string) => (await certificates()).find((each) => each.name === name)!;
const counted = async (name: string) =>
  (await metrics(world.parts).read()).certificates.find((each) => each.name === name);

describe('a certificate that signs itself', () => {
  beforeEach(async () => {
    world = await openHttpsWorld({ TLS_MODE: 'self-signed', HSTS_SECONDS: '3600' });
    await world.host('mina');
  });

  it('a self-signed certificate serves users and the service at once, and HTTP redirects to HTTPS', async () => {
    await world.keep();
    const { subject, issuer } = await world.shown(`mina.${baseDomain}`);
    expect(issuer).toEqual(subject);
    const page = await world.get({ host: `mina.${baseDomain}`, secure: true, path: '/a?b=1' });
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining('page of a guest') as string });
    expect(page.body).toContain('"proto":"https"');
    // what the guest says of it itself would hold for more than this guest
    expect(page.headers['strict-transport-security']).toBe('max-age=3600');
    for (const host of [`mina.${baseDomain}`, baseDomain, 'www.example.org']) {
      const answer = await world.get({ host, path: '/a?b=1' });
      expect(answer).toMatchObject({ status: 301 });
      expect(answer.headers.location).toBe(`https://${host}:${world.config.HTTPS_PORT}/a?b=1`);
      expect(answer.headers['strict-transport-security']).toBeUndefined();
    }
    expect((await world.get({ host: 'www.example.org', secure: true, path: '/1' })).body).toContain(
      'page of',
    );
  });

  it('HTTP does not redirect a host whose name the certificate lacks', async () => {
    await world.keep();
    expect((await world.get({ host: '192.0.2.1', path: '/1' })).body).toContain('page of a guest');
  });

  it('only Nginx’s master can read the keys of certificates, and the database holds them sealed', async () => {
    await world.keep();
    const dir = path.join(world.config.nginxDir, 'tls');
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    const files = readdirSync(dir);
    expect(files).toHaveLength(2);
    for (const file of files) expect(statSync(path.join(dir, file)).mode & 0o777).toBe(0o600);
    const [row] = await certificates();
    expect(row!.keySealed!.toString('latin1')).not.toContain('PRIVATE KEY');
  });

  it('the files of a certificate come back from the database when they are lost', async () => {
    await world.keep();
    const before = await world.shown(baseDomain);
    const dir = path.join(world.config.nginxDir, 'tls');
    const files = readdirSync(dir);
    for (const file of files) (await import('node:fs')).rmSync(path.join(dir, file));
    await world.parts.routePublisher.publish();
    expect(readdirSync(dir).sort()).toEqual(files.sort());
    expect((await world.shown(baseDomain)).fingerprint256).toBe(before.fingerprint256);
  });
});

describe('a certificate from files', () => {
  it('a certificate from files is served, and its successor as soon as both files are there', async () => {
    const dir = (await import('node:fs')).mkdtempSync('/tmp/webhoster-files-');
    const [certFile, keyFile] = [path.join(dir, 'own.crt'), path.join(dir, 'own.key')];
    const names = [baseDomain, `*.${baseDomain}`];
    const [one, two] = [
      await makeSelfSigned(names, 10, new Date()),
      await makeSelfSigned(names, 20, new Date()),
    ];
    const write = (chain: string, key: string): void => {
      writeFileSync(certFile, chain);
      writeFileSync(keyFile, key);
    };
    write(one.chain, one.key);
    world = await openHttpsWorld({ TLS_MODE: 'files', TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile });
    await world.host('mina');
    await world.keep();
    const validTo = ({ chain }: { chain: string }): string =>
      new Date(new X509Certificate(chain).validTo).toISOString();
    const shown = async (): Promise<string> =>
      new Date((await world.shown(`mina.${baseDomain}`)).valid_to).toISOString();
    expect(await shown()).toBe(validTo(one));
    // half of the next one: the one before stays, and it is told
    write(two.chain, one.key);
    await world.keep();
    expect(await shown()).toBe(validTo(one));
    expect(await counted('files')).toMatchObject({ failures: 1 });
    write(two.chain, two.key);
    await certificateIsDue(world.parts.database.direct, 'next_try_at');
    await world.keep();
    expect(await shown()).toBe(validTo(two));
    expect(await counted('files')).toMatchObject({ failures: 0 });
    // www.example.org is not among its names
    expect((await world.get({ host: 'www.example.org' })).status).toBe(302);
    (await import('node:fs')).rmSync(dir, { recursive: true });
  });
});

describe('certificates of an authority', () => {
  const open = async (settings: Record<string, string> = {}): Promise<void> => {
    const httpPort = await freePort();
    pebble = await startPebble(httpPort);
    world = await openHttpsWorld({ ...pebble.settings, HTTP_PORT: String(httpPort), ...settings });
  };

  it('the authority issues certificates for the service and each user, by challenges that it really fetches', async () => {
    await open({ HSTS_SECONDS: '0' });
    await world.host('mina');
    await world.parts.routePublisher.publish();
    // until there is one, a page is served as ever
    expect((await world.get({ host: `mina.${baseDomain}` })).body).toContain('page of a guest');
    await world.keep();
    expect((await certificates()).map(({ name, failure }) => [name, failure])).toEqual([
      [`mina.${baseDomain}`, null],
      [baseDomain, null],
      ['self-signed', null],
      ['www.example.org', null],
    ]);
    for (const host of [baseDomain, `mina.${baseDomain}`, 'www.example.org']) {
      const { issuer, subjectaltname } = await world.shown(host);
      expect(issuer.CN).toMatch(/Pebble/);
      expect(subjectaltname).toBe(`DNS:${host}`);
      expect(await world.get({ host })).toMatchObject({ status: 301 });
      const page = await world.get({ host, secure: true, path: '/1' });
      expect(page).toMatchObject({ status: 200, body: expect.stringContaining('page of a guest') as string });
      expect(page.headers['strict-transport-security']).toBeUndefined();
    }
    // a name that has none is shown that of nobody, and not led there
    expect((await world.shown(`nobody.${baseDomain}`)).issuer.CN).not.toMatch(/Pebble/);
    expect((await world.get({ host: `nobody.${baseDomain}` })).status).toBe(404);
    expect((await world.get({ host: 'x.org', path: '/.well-known/acme-challenge/some-token' })).body).toMatch(
      /^some-token\.[\w-]{43}$/,
    );
    expect((await counted(baseDomain))!.secondsLeft).toBeGreaterThan(80 * 86_400);
  });

  it('a certificate is renewed when the authority says so, and at two thirds of its life', async () => {
    await open();
    await world.keep();
    const first = await world.shown(baseDomain);
    await world.keep();
    const { renewAt, askAgainAt, chain } = await certificate(baseDomain);
    expect(renewAt!.getTime()).toBeGreaterThan(Date.now() + 86_400_000);
    expect(askAgainAt!.getTime()).toBeGreaterThan(Date.now());
    expect((await world.shown(baseDomain)).fingerprint256).toBe(first.fingerprint256);

    await pebble!.wantsRenewal(chain!);
    await certificateIsDue(world.parts.database.direct, 'ask_again_at');
    await world.keep();
    await world.keep();
    const second = await world.shown(baseDomain);
    expect(second.fingerprint256).not.toBe(first.fingerprint256);
    expect(second.issuer.CN).toMatch(/Pebble/);

    // its own plan, when the authority says nothing
    await certificateIsDue(world.parts.database.direct, 'renew_at', { name: baseDomain });
    await world.keep();
    expect((await world.shown(baseDomain)).fingerprint256).not.toBe(second.fingerprint256);
  });

  it('a certificate stays when the authority fails, which is reported and retried later', async () => {
    const told: unknown[][] = [];
    await open();
    await world.keep();
    const before = await world.shown(baseDomain);
    await pebble!.fail();
    await certificateIsDue(world.parts.database.direct, 'renew_at', { name: baseDomain });
    jest.spyOn(world.parts.log, 'error').mockImplementation((...line: unknown[]) => void told.push(line));
    await world.keep();
    expect((await world.shown(baseDomain)).fingerprint256).toBe(before.fingerprint256);
    expect((await world.get({ host: baseDomain, secure: true })).status).toBe(302);
    expect(told).toEqual([
      [
        expect.objectContaining({ certificate: baseDomain, failures: 1 }),
        'certificate cannot be had; the one before stays',
      ],
    ]);
    expect(JSON.stringify(told)).not.toContain('PRIVATE');
    expect(await counted(baseDomain)).toMatchObject({ failures: 1 });
    expect((await counted(baseDomain))!.secondsLeft).toBeGreaterThan(80 * 86_400);
    // not before its time, and later each time
    await world.keep();
    expect(told).toHaveLength(1);
    const pause = async (): Promise<number> =>
      Math.round(((await certificate(baseDomain)).nextTryAt!.getTime() - Date.now()) / 60_000);
    expect(await pause()).toBe(5);
    await certificateIsDue(world.parts.database.direct, 'next_try_at', { name: baseDomain });
    await world.keep();
    expect(await pause()).toBe(10);
  });

  it('a host that the authority cannot reach gets no certificate, and the others do', async () => {
    await open({ PUBLIC_HOST: 'elsewhere.example.net' });
    await pebble!.hide('elsewhere.example.net');
    await world.keep();
    expect(await certificate('elsewhere.example.net')).toMatchObject({ chain: null, failures: 1 });
    expect((await certificate('elsewhere.example.net')).failure).toMatch(/could not resolve/);
    expect((await certificate(baseDomain)).chain).not.toBeNull();
    expect((await world.get({ host: 'elsewhere.example.net' })).status).toBe(302);
  });

  it('one wildcard certificate serves all users if a program sets DNS records', async () => {
    const httpPort = await freePort();
    pebble = await startPebble(httpPort);
    const hook = path.join('/tmp', `webhoster-hook-${process.pid}.mjs`);
    const heard = `${hook}.log`;
    writeFileSync(
      hook,
      `#!/usr/bin/env node
import { appendFileSync } from 'node:fs';
const [verb, host, value] = process.argv.slice(2);
appendFileSync(${JSON.stringify(heard)}, verb + ' ' + host + '\\n');
const path = verb === 'present' ? '/set-txt' : '/clear-txt';
await fetch(${JSON.stringify(pebble.challengesUrl)} + path, { method: 'POST', body: JSON.stringify({ host: host + '.', value }) });
`,
      { mode: 0o700 },
    );
    world = await openHttpsWorld({ ...pebble.settings, HTTP_PORT: String(httpPort), ACME_DNS_HOOK: hook });
    await world.host('mina');
    await world.keep();
    const { subjectaltname, issuer } = await world.shown(`mina.${baseDomain}`);
    expect(issuer.CN).toMatch(/Pebble/);
    expect(subjectaltname!.split(', ').sort()).toEqual([`DNS:*.${baseDomain}`, `DNS:${baseDomain}`]);
    expect((await world.get({ host: `mina.${baseDomain}` })).status).toBe(301);
    const { readFileSync, rmSync } = await import('node:fs');
    expect(readFileSync(heard, 'utf8')).toBe(
      `present _acme-challenge.${baseDomain}\ncleanup _acme-challenge.${baseDomain}\n`,
    );
    for (const file of [hook, heard]) rmSync(file);
  });

  it('certificates are ordered by one process at a time', async () => {
    await open();
    const { direct } = world.parts.database;
    const keeping = [world.keep(), world.keep(), world.keep()];
    let leases: { id: string }[] = [];
    await until(10_000, 'one of them holds the lease', async () => {
      leases = await direct.query(`SELECT stack_id AS id FROM leases`);
      return leases.length > 0;
    });
    await Promise.all(keeping);
    expect(await certificates()).toHaveLength(3);
    const orders = world.parts.measures;
    await orders.flush(direct);
    expect(
      await sql(`SELECT sum(count)::int AS count FROM measures WHERE name = 'certificate_orders'`),
    ).toEqual([{ count: 3 }]);
    // nothing is renewed while another process holds the lease
    await claimLease(direct, leases[0]!.id, 'somebody else', 60_000);
    await certificateIsDue(direct, 'renew_at');
    const due = await certificates();
    await world.keep();
    expect(await certificates()).toEqual(due);
  });
});

describe('a reload', () => {
  it('20 reloads under load, each with another certificate, fail no new connection', async () => {
    world = await openHttpsWorld({ TLS_MODE: 'self-signed' });
    await world.host('mina');
    await world.keep();
    let [running, done] = [true, 0];
    const failures: string[] = [];
    const seen = new Set<string>();
    // wrk asks whether it is served, this one what: by which certificate, and whose page
    const client = async (): Promise<void> => {
      while (running)
        await onePage(world.config.HTTPS_PORT).then(
          ({ certificate, status, body }) => {
            seen.add(certificate);
            if (body.includes('page of a guest')) done++;
            else failures.push(`${status} ${body.slice(0, 80)}`);
          },
          (error: unknown) => void failures.push(String(error)),
        );
    };
    const load = startWrk(world);
    const looking = client();
    try {
      for (let reload = 0; reload < 20; reload++) {
        await certificateIsDue(world.parts.database.direct, 'renew_at');
        await world.keep();
        await delay(50);
      }
      expect(load.running()).toBe(true);
    } finally {
      running = false;
      await looking;
      load.stop();
    }
    const { requests, ...errors } = await load.report;
    expect(errors).toEqual({ connect: 0, read: 0, write: 0, status: 0, timeout: 0 });
    expect(failures).toEqual([]);
    expect(seen.size).toBeGreaterThan(15);
    expect(requests).toBeGreaterThan(200);
    expect(done).toBeGreaterThan(20);
    process.stderr.write(
      `20 reloads: wrk ${requests} connections, 0 errors; ${done} more looked at, ${seen.size} certificates\n`,
    );
  });
});

/** One new connection, to its end. */
function onePage(port: number): Promise<{ certificate: string; status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = https.get(
      {
        host: '127.0.0.1',
        port,
        servername: baseDomain,
        rejectUnauthorized: false,
        agent: false,
        path: '/1',
        headers: { host: baseDomain },
      },
      (response) => {
        const certificate = (response.socket as tls.TLSSocket).getPeerCertificate().fingerprint256;
        let body = '';
        response.on('data', (chunk: Buffer) => (body += String(chunk)));
        response.on('close', () => {
          if (response.complete) resolve({ certificate, status: response.statusCode ?? 0, body });
          else reject(new Error('the answer was cut off'));
        });
      },
    );
    request.on('error', reject);
  });
}

interface Load {
  running(): boolean;
  stop(): void;
  /** Connections that were served, and what failed, by kind; `status` is an answer of 400 or more. */
  readonly report: Promise<Record<'requests' | 'connect' | 'read' | 'write' | 'status' | 'timeout', number>>;
}

/** wrk with 4 clients, each of which connects anew for every request; until it is stopped, 90 s at most. */
function startWrk({ dir, config }: HttpsWorld): Load {
  const script = path.join(dir, 'report.lua');
  writeFileSync(
    script,
    `done = function(summary)
  local errors, parts = summary.errors, { string.format('"requests":%d', summary.requests) }
  for _, kind in ipairs({ 'connect', 'read', 'write', 'status', 'timeout' }) do
    parts[#parts + 1] = string.format('"%s":%d', kind, errors[kind])
  end
  io.write('{' .. table.concat(parts, ',') .. '}')
end
`,
  );
  const child = spawn(
    'wrk',
    [
      ...['-t1', '-c4', '-d90s', '--timeout', '10s', '-s', script],
      ...['-H', `Host: ${baseDomain}`, '-H', 'Connection: close', `https://127.0.0.1:${config.HTTPS_PORT}/1`],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const report = once(child, 'close').then(() => {
    const [json] = /\{.*\}/.exec(output) ?? [];
    if (json === undefined) throw new Error(`wrk reports nothing: ${output}`);
    return JSON.parse(json) as Awaited<Load['report']>;
  });
  report.catch(() => undefined);
  return {
    running: () => child.exitCode === null && child.signalCode === null,
    stop: () => void child.kill('SIGINT'),
    report,
  };
}
