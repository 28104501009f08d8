/** What a real Nginx agrees to: versions, ciphers and headers, as openssl and curl see them. */
import { runCommand } from '../../engine/base/process';
import { baseDomain, type HttpsWorld, openHttpsWorld } from '../worlds/https-world';

jest.setTimeout(120_000);

let world: HttpsWorld;
beforeEach(() => {
  process.umask(0o077);
});
afterEach(async () => {
  await world.close();
});

describe('what is agreed on', () => {
  const handshake = async (...options: string[]) => {
    const { code, stdout, stderr } = await runCommand(
      [
        'openssl',
        's_client',
        '-connect',
        `127.0.0.1:${world.config.HTTPS_PORT}`,
        '-servername',
        baseDomain,
        ...options,
      ],
      { timeoutMs: 20_000, input: '' },
    );
    const text = stdout + stderr;
    return { code, protocol: /^\s*(?:New, )?(TLSv1\.[0-3])?.*Cipher is (\S+)/m.exec(text)?.slice(1), text };
  };
  beforeEach(async () => {
    world = await openHttpsWorld({ TLS_MODE: 'self-signed' });
    await world.keep();
  });

  it('a handshake agrees on TLS 1.2 or 1.3 with forward secrecy, and nothing older or weaker', async () => {
    // SECLEVEL=0 lets this machine's openssl offer what is asked of it at all
    for (const version of ['-tls1', '-tls1_1']) {
      const { code, text } = await handshake(version, '-cipher', 'ALL:@SECLEVEL=0');
      expect(code).not.toBe(0);
      expect(text).toMatch(/alert protocol version/);
    }
    expect((await handshake('-tls1_2')).protocol).toEqual([
      'TLSv1.2',
      expect.stringMatching(/^ECDHE-ECDSA-(AES|CHACHA20)/) as string,
    ]);
    expect((await handshake('-tls1_3')).protocol).toEqual([
      'TLSv1.3',
      expect.stringMatching(/^TLS_/) as string,
    ]);
    for (const weak of [
      'AES128-SHA',
      'ECDHE-ECDSA-AES256-SHA',
      'ECDHE-ECDSA-AES128-SHA256',
      'NULL',
      '3DES',
      'RC4',
      'aNULL',
      'PSK',
      'CAMELLIA',
    ]) {
      const { code, protocol } = await handshake('-tls1_2', '-cipher', `${weak}:@SECLEVEL=0`);
      expect([weak, code === 0, protocol?.[1] ?? '(NONE)']).toEqual([weak, false, '(NONE)']);
    }
  });

  it('a connection has no session ticket and no compression, and renegotiates only securely', async () => {
    const { text } = await handshake('-tls1_2');
    expect(text).not.toContain('TLS session ticket:');
    expect(text).toContain('Compression: NONE');
    expect(text).toContain('Secure Renegotiation IS supported');
  });

  it('curl gets HTTP/2, HSTS and the headers of the service’s own pages', async () => {
    const { HTTPS_PORT } = world.config;
    const { stdout } = await runCommand([
      ...['curl', '-sk', '-D', '-', '-o', '/dev/null', '--resolve', `${baseDomain}:${HTTPS_PORT}:127.0.0.1`],
      `https://${baseDomain}:${HTTPS_PORT}/nothing`,
    ]);
    expect(stdout).toMatch(/^HTTP\/2 404/);
    for (const header of [
      'strict-transport-security: max-age=31536000',
      'x-content-type-options: nosniff',
      'referrer-policy: no-referrer',
      "content-security-policy: default-src 'none'",
    ])
      expect(stdout.toLowerCase()).toContain(header);
    expect(stdout).not.toContain('includeSubDomains');
    expect(stdout).not.toMatch(/^server: nginx\/\d/im);
  });
});
