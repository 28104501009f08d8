import fc from 'fast-check';
import { parse } from 'yaml';
import { type GuestFacts, pageMarker, renderCloudInit } from '../../../../engine/machine/guest/cloud-init';

const facts: GuestFacts = {
  hostingId: '1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d',
  vmName: 'vm-1a2b3c4d',
  sshPublicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+ kim@laptop',
  gateway: '10.90.0.1',
  welcome: {
    username: 'kim',
    vmName: 'vm-1a2b3c4d',
    webUrl: 'http://hosting.example.org/7',
    subdomainUrl: 'http://kim.pages.example.org/',
    sshCommand: 'ssh -p 10001 ubuntu@hosting.example.org',
    sftpCommand: 'sftp -P 10001 ubuntu@hosting.example.org',
  },
};

interface CloudConfig {
  hostname: string;
  manage_etc_hosts: boolean;
  users: {
    name: string;
    groups: string[];
    shell: string;
    sudo: string;
    lock_passwd: boolean;
    ssh_authorized_keys: string[];
  }[];
  write_files: { path: string; owner: string; permissions: string; encoding: string; content: string }[];
}

/** As cloud-init reads it: YAML 1.1. */
const read = (text: string): CloudConfig => parse(text, { version: '1.1' }) as CloudConfig;
const page = (config: CloudConfig): string =>
  Buffer.from(config.write_files[0]!.content, 'base64').toString('utf8');

describe('user data', () => {
  const { userData } = renderCloudInit(facts);

  it('user data starts with #cloud-config', () => {
    expect(userData.split('\n')[0]).toBe('#cloud-config');
  });

  it('user data gives the guest its name, a user with the key and no password, and the page', () => {
    const config = read(userData);
    expect(config).toEqual({
      hostname: 'vm-1a2b3c4d',
      manage_etc_hosts: true,
      users: [
        {
          name: 'ubuntu',
          groups: ['sudo', 'www-data'],
          shell: '/bin/bash',
          sudo: 'ALL=(ALL) NOPASSWD:ALL',
          lock_passwd: true,
          ssh_authorized_keys: [facts.sshPublicKey],
        },
      ],
      write_files: [
        {
          path: '/var/www/html/index.html',
          owner: 'ubuntu:ubuntu',
          permissions: '0644',
          encoding: 'b64',
          content: expect.any(String) as string,
        },
        {
          path: '/etc/nginx/conf.d/webhoster-visitors.conf',
          owner: 'root:root',
          permissions: '0644',
          encoding: 'b64',
          content: expect.any(String) as string,
        },
      ],
    });
    expect(page(config)).toContain('Hello, kim');
    expect(page(config)).toContain(facts.welcome.sshCommand);
  });

  it('the guest’s web server trusts only the host’s Nginx about the visitor’s address', () => {
    const [, visitors] = read(userData).write_files;
    const text = Buffer.from(visitors!.content, 'base64').toString();
    expect(text.replace(/^#.*\n/gm, '')).toBe('set_real_ip_from 10.90.0.1;\nreal_ip_header X-Real-IP;\n');
  });

  it('user data marks the page so that the engine recognizes it', () => {
    expect(page(read(userData))).toContain(pageMarker('vm-1a2b3c4d'));
    expect(page(read(userData))).not.toContain(pageMarker('vm-00000000'));
  });

  it('user data keeps the order of its keys, which the micro image’s script relies on', () => {
    expect(userData.match(/^\w+(?=:)/gm)).toEqual(['hostname', 'manage_etc_hosts', 'users', 'write_files']);
    expect(userData.match(/(?<=^ {4})\w+(?=:)/gm)).toEqual([
      'groups',
      'shell',
      'sudo',
      'lock_passwd',
      'ssh_authorized_keys',
      'owner',
      'permissions',
      ...['encoding', 'content', 'owner', 'permissions', 'encoding', 'content'],
    ]);
  });

  it('user data never breaks a line: the page is one line of base64, the key one line', () => {
    expect(userData).toMatch(/^ {4}content: [A-Za-z0-9+/]+={0,2}$/m);
    expect(userData).toContain(`- ${facts.sshPublicKey}\n`);
  });

  it('user data keeps any text of a user out of YAML, shell and Terraform', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom(
        '${file("/etc/passwd")}',
        '%{ for x in y }',
        '\n- evil',
        '"\'`$(reboot)',
        '</title><script>alert(1)</script>',
        'TfToken[TOKEN.0]',
        '{{vmName}}',
        'no',
        '0644',
      ),
    );
    fc.assert(
      fc.property(hostile, (username) => {
        const rendered = renderCloudInit({ ...facts, welcome: { ...facts.welcome, username } });
        expect(rendered.userData).not.toMatch(/[$%]\{|TfToken/);
        expect(rendered.userData).toMatch(/^[\x20-\x7e\n]*$/);
        expect(rendered.metaData).toBe(renderCloudInit(facts).metaData);
        // nothing but the page may differ
        const config = read(rendered.userData);
        expect({ ...config, write_files: [] }).toEqual({ ...read(userData), write_files: [] });
        expect(config.write_files).toHaveLength(2);
      }),
    );
  });

  it('the page shows a hostile name as text, not as markup', () => {
    const rendered = renderCloudInit({
      ...facts,
      welcome: { ...facts.welcome, username: '<script>alert(1)</script>' },
    });
    expect(page(read(rendered.userData))).not.toContain('<script>alert');
    expect(page(read(rendered.userData))).toContain('&lt;script&gt;');
  });

  it('user data keeps text that YAML 1.1 would read as something else', () => {
    const rendered = renderCloudInit({ ...facts, vmName: 'no', hostingId: '1e3', sshPublicKey: '0x10' });
    const config = read(rendered.userData);
    expect(config.hostname).toBe('no');
    expect(config.users[0]?.ssh_authorized_keys).toEqual(['0x10']);
    expect(config.write_files[0]?.permissions).toBe('0644');
    expect(parse(rendered.metaData, { version: '1.1' })).toEqual({
      'instance-id': '1e3',
      'local-hostname': 'no',
    });
  });
});

describe('meta data', () => {
  it('meta data names the instance by the hosting, so that a new hosting boots for the first time', () => {
    expect(renderCloudInit(facts).metaData).toBe(
      `instance-id: ${facts.hostingId}\nlocal-hostname: vm-1a2b3c4d\n`,
    );
  });
});
