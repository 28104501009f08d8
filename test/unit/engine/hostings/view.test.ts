import type { Config } from '../../../../engine/base/config';
import { accessOf, toHosting } from '../../../../engine/hostings/view';
import type { OwnedHosting } from '../../../../engine/store/hostings';

const config = {
  HTTP_PORT: 80,
  PUBLIC_HOST: 'hosting.example.org',
  BASE_DOMAIN: 'pages.example.org',
  TLS_MODE: 'off',
} as Config;
const owner = { username: 'kim' };

function row(change: Partial<OwnedHosting> = {}): OwnedHosting {
  return {
    id: '1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d',
    userId: 7,
    vmName: 'vm-1a2b3c4d',
    sshPort: 10001,
    sshPublicKey: 'ssh-ed25519 AAAA vm-webhoster-kim',
    status: 'running',
    sshHostKeys: [],
    failureCode: null,
    failureMessage: null,
    ...change,
  } as OwnedHosting;
}

describe('a hosting as its owner sees it', () => {
  it('a hosting’s addresses leave out port 80', () => {
    expect(accessOf(row(), owner, config)).toEqual({
      webUrl: 'http://hosting.example.org/7/',
      subdomainUrl: 'http://kim.pages.example.org/',
      sshCommand: 'ssh -i ~/.ssh/vm-1a2b3c4d -o HostKeyAlias=vm-1a2b3c4d -p 10001 ubuntu@hosting.example.org',
      sftpCommand:
        'sftp -i ~/.ssh/vm-1a2b3c4d -o HostKeyAlias=vm-1a2b3c4d -P 10001 ubuntu@hosting.example.org',
    });
  });

  it.each([
    ['ssh-ed25519 AAAA kim@laptop', 'id_ed25519'],
    ['ssh-rsa AAAA', 'id_rsa'],
    ['ecdsa-sha2-nistp384 AAAA', 'id_ecdsa'],
    ['sk-ssh-ed25519@openssh.com AAAA', 'id_ed25519_sk'],
  ])('a hosting’s SSH command uses the owner’s own key %j where OpenSSH keeps it', (sshPublicKey, file) => {
    expect(accessOf(row({ sshPublicKey }), owner, config).sshCommand).toContain(`-i ~/.ssh/${file} `);
  });

  it('a hosting’s addresses name any other port', () => {
    const access = accessOf(row(), owner, { ...config, HTTP_PORT: 8080 });
    expect(access.webUrl).toBe('http://hosting.example.org:8080/7/');
    expect(access.subdomainUrl).toBe('http://kim.pages.example.org:8080/');
  });

  it('a hosting shows host keys as known_hosts lines, in brackets unless the port is 22', () => {
    const keys = ['ssh-ed25519 AAAA', 'ecdsa-sha2-nistp256 BBBB'];
    expect(toHosting(row({ sshHostKeys: keys }), owner, config).knownHosts).toEqual([
      '[hosting.example.org]:10001,vm-1a2b3c4d ssh-ed25519 AAAA',
      '[hosting.example.org]:10001,vm-1a2b3c4d ecdsa-sha2-nistp256 BBBB',
    ]);
    expect(toHosting(row({ sshHostKeys: keys, sshPort: 22 }), owner, config).knownHosts[0]).toBe(
      'hosting.example.org,vm-1a2b3c4d ssh-ed25519 AAAA',
    );
  });

  it('a failed hosting shows why it failed', () => {
    expect(toHosting(row(), owner, config).failure).toBeNull();
    expect(
      toHosting(row({ failureCode: 'apply_failed', failureMessage: 'no room' }), owner, config).failure,
    ).toEqual({ code: 'apply_failed', message: 'no room' });
  });

  it('a hosting as its owner sees it shows nothing that only the engine needs', () => {
    const shown = toHosting(row({ mac: '52:54:00:00:00:01', sshPublicKey: 'ssh-ed25519 X' }), owner, config);
    expect(Object.keys(shown)).not.toEqual(expect.arrayContaining(['mac']));
    expect(JSON.stringify(shown)).not.toContain('52:54:00');
  });
});
