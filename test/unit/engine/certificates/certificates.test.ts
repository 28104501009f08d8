import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { EngineError, loadConfig } from '../../../../engine';
import { apiUrlOf, originOf } from '../../../../engine/base/origins';
import { accountThumbprint, newAccountKey } from '../../../../engine/certificates/authority';
import { belongTogether, makeSelfSigned, readCertificate } from '../../../../engine/certificates/certificate';
import { covers, domainRefusal } from '../../../../engine/base/dns-names';
import { domainProof, filePath, isPublicAddress } from '../../../../engine/certificates/proof';
import { atTwoThirds, backoffMs, momentIn, readRenewalInfo } from '../../../../engine/certificates/renewal';

const secret = randomBytes(32).toString('base64');
const least = { JWT_SECRET: secret, STATE_KEY: secret, POSTGRES_PASSWORD: secret };

describe('a name in a certificate', () => {
  it.each([
    ['a.org', 'a.org', true],
    ['*.a.org', 'x.a.org', true],
    ['*.a.org', 'a.org', false],
    ['*.a.org', 'x.y.a.org', false],
    ['*.a.org', '.a.org', false],
    ['a.org', 'x.a.org', false],
    ['*.a.org', 'x.ba.org', false],
  ])('whether the certificate name %s covers %s: %s', (pattern, host, expected) => {
    expect(covers(pattern, host)).toBe(expected);
  });
});

describe('a domain that a user brings', () => {
  const own = ['pages.example.org', 'www.example.net'];
  it.each(['a.org', 'www.mina.co.uk', 'xn--bcher-kva.example', 'a-b.org', 'x.xn--p1ai', '1.example'])(
    'a user may bring the domain %s',
    (name) => {
      expect(domainRefusal(name, own)).toBeNull();
    },
  );
  it.each([
    ...['', 'a', 'a..org', '.a.org', 'a.org.', '-a.org', 'a-.org', 'a_b.org', 'A.org', 'bücher.example'],
    ...[
      '192.0.2.1',
      '::1',
      '1.2.3',
      'a.1',
      '*.a.org',
      'a b.org',
      'a.org;',
      'a.org\n',
      '$host.org',
      'a.org/x',
    ],
    ...[
      `${'a'.repeat(64)}.org`,
      `${'a.'.repeat(130)}org`,
      'xn--a.org',
      'xn--bcher-kvb!.org',
      'ab--cd.org',
      'a.o',
    ],
  ])('a user’s domain is malformed: %p', (name) => {
    expect(domainRefusal(name, own)).toBe('malformed');
  });
  it.each([
    ...['pages.example.org', 'mina.pages.example.org', 'example.org', 'www.example.net', 'a.www.example.net'],
    ...['x.localhost', 'printer.local', 'db.internal', 'x.onion', '1.0.0.127.in-addr.arpa'],
  ])('no user may bring the domain %s', (name) => {
    expect(domainRefusal(name, own)).toBe('reserved');
  });
});

describe('a certificate of our own', () => {
  it('a self-signed certificate has the names and addresses it was made for, and its own key', async () => {
    const now = new Date('2026-01-01T00:00:00Z');
    const pair = await makeSelfSigned(['a.org', '*.a.org', '192.0.2.1'], 90, now);
    const { names, notAfter, renewalId } = readCertificate(pair.chain);
    expect(names).toEqual(['a.org', '*.a.org', '192.0.2.1']);
    expect(notAfter.toISOString()).toBe('2026-04-01T00:00:00.000Z');
    expect(renewalId).toBeNull();
    expect(belongTogether(pair)).toBe(true);
    const other = await makeSelfSigned(['a.org'], 90, now);
    expect(belongTogether({ chain: pair.chain, key: other.key })).toBe(false);
  });

  it('a self-signed certificate may have a first name that is too long for a common name', async () => {
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.org`;
    expect(readCertificate((await makeSelfSigned([long], 1, new Date())).chain).names).toEqual([long]);
  });

  // the example of RFC 9773, 4.1
  it('a certificate’s renewal id is that of RFC 9773', () => {
    const chain = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----`;
    expect(readCertificate(chain).renewalId).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  });
});

it('the thumbprint of an account is that of RFC 7638', async () => {
  const key = await newAccountKey();
  expect(accountThumbprint(key)).toMatch(/^[\w-]{43}$/);
  expect(accountThumbprint(key)).toBe(accountThumbprint(key));
  expect(accountThumbprint(key)).not.toBe(accountThumbprint(await newAccountKey()));
});

describe('a renewal', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const window = { start: '2026-02-01T00:00:00Z', end: '2026-02-03T00:00:00Z' };

  it('a renewal is due at two thirds of the life of a certificate', () => {
    const life = { notBefore: now, notAfter: new Date('2026-03-31T00:00:00Z') };
    expect(atTwoThirds(life).toISOString()).toBe('2026-03-01T08:00:00.000Z');
  });

  it('a renewal is at a random moment in the window that the authority names', () => {
    const read = readRenewalInfo({ suggestedWindow: window }, '3600', now);
    expect([0, 0.5, 1].map((chance) => momentIn(read, chance).toISOString())).toEqual([
      '2026-02-01T00:00:00.000Z',
      '2026-02-02T00:00:00.000Z',
      '2026-02-03T00:00:00.000Z',
    ]);
    expect(read.askAgainAt.toISOString()).toBe('2026-01-01T01:00:00.000Z');
  });

  it.each([
    ['1', '2026-01-01T00:01:00.000Z'],
    ['9999999', '2026-01-02T00:00:00.000Z'],
    [null, '2026-01-01T06:00:00.000Z'],
    ['soon', '2026-01-01T06:00:00.000Z'],
  ])(
    'the authority is asked about a renewal again after %p seconds, within limits',
    (retryAfter, expected) => {
      expect(readRenewalInfo({ suggestedWindow: window }, retryAfter, now).askAgainAt.toISOString()).toBe(
        expected,
      );
    },
  );

  it.each([
    null,
    {},
    { suggestedWindow: {} },
    { suggestedWindow: { start: window.end, end: window.start } },
    'x',
  ])('renewal information cannot be read from %j', (body) => {
    expect(() => readRenewalInfo(body, null, now)).toThrow('without a window');
  });

  it('a failed renewal is retried after ever longer pauses, and at least twice a day', () => {
    expect([1, 2, 3, 9, 100].map((failures) => backoffMs(failures) / 60_000)).toEqual([5, 10, 20, 720, 720]);
  });
});

describe('the proof of a domain by a file', () => {
  const token = 'a'.repeat(40);
  let server: http.Server;
  let answer: (request: http.IncomingMessage, response: http.ServerResponse) => void;
  let port: number;
  beforeEach(async () => {
    server = http.createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const isProved = (mayAsk?: (address: string) => boolean): Promise<boolean> => {
    const addressesOf = (): Promise<string[]> => Promise.resolve(['127.0.0.1']);
    const proof = domainProof({ dnsServers: [], httpPort: port, addressesOf, ...(mayAsk && { mayAsk }) });
    // a name that no name server knows: what counts is the file
    return proof.isProved('www.mina.invalid', token);
  };
  const anywhere = (address: string): boolean => address === '127.0.0.1';

  it('a file with the token proves a domain', async () => {
    let asked: (string | undefined)[] = [];
    answer = (request, response) => {
      asked = [request.url, request.headers.host];
      response.end(`${token}\n`);
    };
    expect(await isProved(anywhere)).toBe(true);
    expect(asked).toEqual([filePath(token), 'www.mina.invalid']);
  });

  it.each<[string, typeof answer]>([
    ['another token', (_, response) => response.end('b'.repeat(40))],
    ['the token and more', (_, response) => response.end(`${token} and more`)],
    ['another status', (_, response) => response.writeHead(404).end(token)],
    ['a way elsewhere', (_, response) => response.writeHead(302, { location: '/x' }).end()],
    ['without end', (_, response) => response.end(token + ' '.repeat(10_000))],
  ])('a file that says %s proves no domain', async (_, other) => {
    answer = other;
    expect(await isProved(anywhere)).toBe(false);
  });

  it('the proof of a domain is never fetched from this machine or its network', async () => {
    let asked = false;
    answer = (_, response) => {
      asked = true;
      response.end(token);
    };
    expect(await isProved()).toBe(false);
    expect(asked).toBe(false);
  });

  it.each([
    ...['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'],
    ...[
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      '::ffff:10.0.0.1',
      'fe80::1',
      'fd00::1',
      '2001:db8::1',
      '64:ff9b::a00:1',
    ],
    ...['2002:a00:1::', 'localhost', ''],
  ])('%s is not a public address', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
  it.each(['93.184.216.34', '8.8.8.8', '2606:2800:220:1::1'])('%s is a public address', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('settings of HTTPS', () => {
  const refusal = (env: Record<string, string>): string => {
    try {
      loadConfig({ ...least, ...env });
    } catch (error) {
      return (error as EngineError).message;
    }
    return '';
  };
  it.each([
    ['HTTPS_PORT', { TLS_MODE: 'self-signed', HTTPS_PORT: '80' }],
    ['HTTPS_PORT', { TLS_MODE: 'self-signed', HTTPS_PORT: '10000' }],
    ['API_HTTPS_PORT', { TLS_MODE: 'self-signed', API_HTTPS_PORT: '443' }],
    ['API_HTTPS_PORT', { TLS_MODE: 'self-signed', API_HTTPS_PORT: '8000' }],
    ['TLS_CERT_FILE', { TLS_MODE: 'files', TLS_KEY_FILE: '/etc/key' }],
    ['TLS_KEY_FILE', { TLS_MODE: 'files', TLS_CERT_FILE: '/etc/crt' }],
    ['BASE_DOMAIN', { TLS_MODE: 'acme' }],
    ['ACME_EAB_KID', { TLS_MODE: 'acme', BASE_DOMAIN: 'a.org', ACME_EAB_KID: 'x' }],
    ['ACME_DIRECTORY_URL', { ACME_DIRECTORY_URL: 'http://a.org' }],
    ['TLS_MODE', { TLS_MODE: 'on' }],
    ['DNS_SERVERS', { DNS_SERVERS: 'ns.example.org' }],
  ])('settings of HTTPS that contradict each other are refused by name: %s of %j', (name, env) => {
    expect(refusal(env)).toContain(`\n  ${name}: `);
  });
  it('settings of HTTPS contradict nothing while it is off', () => {
    expect(refusal({ HTTP_PORT: '443' })).toBe('');
  });

  it.each([
    [{}, 'http://www.a.org', 'http://mina.a.org'],
    [{ TLS_MODE: 'self-signed' }, 'https://www.a.org', 'https://mina.a.org'],
    [{ TLS_MODE: 'self-signed', HTTPS_PORT: '8443' }, 'https://www.a.org:8443', 'https://mina.a.org:8443'],
    // its certificate comes a moment later; http leads there
    [{ TLS_MODE: 'acme' }, 'https://www.a.org', 'http://mina.a.org'],
    [{ TLS_MODE: 'acme', ACME_DNS_HOOK: '/opt/hook' }, 'https://www.a.org', 'https://mina.a.org'],
    [{ TLS_MODE: 'acme', PUBLIC_HOST: '192.0.2.1' }, 'http://192.0.2.1', 'http://mina.a.org'],
  ])('the HTTPS settings %j lead to the address %s', (env, service, user) => {
    const config = loadConfig({ ...least, BASE_DOMAIN: 'a.org', PUBLIC_HOST: 'www.a.org', ...env });
    expect([originOf(config, config.PUBLIC_HOST), originOf(config, 'mina.a.org')]).toEqual([service, user]);
  });

  it('the API has an origin of its own, according to the HTTPS settings', () => {
    const api = (env: Record<string, string>): string => apiUrlOf(loadConfig({ ...least, ...env }));
    expect(api({})).toBe('http://localhost:8000');
    expect(api({ TLS_MODE: 'self-signed', API_HTTPS_PORT: '8443' })).toBe('https://localhost:8443');
    expect(api({ API_HTTPS_PORT: '8443' })).toBe('http://localhost:8000');
  });
});
