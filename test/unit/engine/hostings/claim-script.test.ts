import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { claimScript, hostKeysIn, settledScript } from '../../../../engine/hostings/spares/claim-script';
import { until } from '../../../worlds/system';
import { removeScratch, scratchDir } from '../support';

afterEach(removeScratch);

const key = `ssh-ed25519 ${'A'.repeat(68)}`;
const cloudInit = { userData: '#cloud-config\nhostname: vm-1a2b3c4d\n', metaData: 'instance-id: x\n' };
const facts = {
  hostingId: '1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d',
  vmName: 'vm-1a2b3c4d',
  sshPublicKey: `${key} $(touch /tmp/never)'"`,
  gateway: '10.90.0.1',
  welcome: {
    username: 'mina',
    vmName: 'vm-1a2b3c4d',
    webUrl: 'http://localhost/7',
    subdomainUrl: 'http://mina.localhost/',
    sshCommand: 'ssh',
    sftpCommand: 'sftp',
  },
};

/** The script in a tree of its own: paths below it, and programs that write down what they are called with. */
function runIn(root: string, guest: 'with OpenSSH' | 'with a way of its own'): string {
  for (const dir of ['home/ubuntu', 'var/www/html', 'etc/ssh', 'bin', 'usr/lib/webhoster'])
    mkdirSync(path.join(root, dir), { recursive: true });
  mkdirSync(path.join(root, 'var/lib/cloud/instance'), { recursive: true });
  for (const name of ['user-data.txt', 'user-data.txt.i', 'cloud-config.txt'])
    writeFileSync(path.join(root, 'var/lib/cloud/instance', name), 'of its time as a spare');
  writeFileSync(path.join(root, 'etc/ssh/ssh_host_rsa_key'), 'old');
  const program = (name: string, script: string): void => {
    writeFileSync(path.join(root, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(root, name), 0o755);
  };
  program('bin/systemctl', `echo "$@" >>${root}/systemctl`);
  if (guest === 'with a way of its own') program('usr/lib/webhoster/new-host-key', `echo '${key} root@here'`);
  return inTree(root, claimScript(facts, cloudInit));
}

function inTree(root: string, text: string): string {
  const script = text
    .replaceAll(/(?<=[\s='"<])\/(home|var|etc|usr|run)\//g, `${root}/$1/`)
    .replaceAll('-C / $files', `-C ${root} $files`);
  return execFileSync('/bin/sh', ['-s'], {
    input: script,
    env: { PATH: `${root}/bin:${process.env.PATH ?? ''}` },
  }).toString();
}

describe('the script of a claim', () => {
  it('the claim script leaves the owner’s key, page and data, and nothing of the time as a spare', () => {
    const root = scratchDir();
    runIn(root, 'with a way of its own');
    const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
    expect(read('home/ubuntu/.ssh/authorized_keys')).toBe(`${facts.sshPublicKey}\n`);
    expect(read('var/www/html/index.html')).toContain('Hello, mina');
    expect(read('var/lib/cloud/instance/user-data.txt')).toBe(cloudInit.userData);
    expect(readdirSync(path.join(root, 'var/lib/cloud/instance'))).toEqual(['user-data.txt']);
  });

  it('the claim script gives the owner their files, and hides them from others', () => {
    const root = scratchDir();
    runIn(root, 'with OpenSSH');
    const found = (file: string): [string, number, boolean] => {
      const { mode, uid, mtimeMs } = statSync(path.join(root, file));
      return [(mode & 0o7777).toString(8), uid, Math.abs(mtimeMs - Date.now()) < 60_000];
    };
    const me = process.getuid?.() ?? 0;
    // root alone gives files away; where nobody has the name, by number
    const owner = (): number =>
      Number(execFileSync('/bin/sh', ['-c', 'id -u ubuntu 2>/dev/null || echo 1000']).toString());
    const theirs = me === 0 ? owner() : me;
    for (const [file, mode] of [
      ['home/ubuntu/.ssh', '700'],
      ['home/ubuntu/.ssh/authorized_keys', '600'],
      ['var/www/html/index.html', '644'],
    ] as const)
      expect([file, ...found(file)]).toEqual([file, mode, theirs, true]);
    expect(found('var/lib/cloud/instance/user-data.txt')).toEqual(['600', me, true]);
    expect(found('var/www/html')[1]).toBe(me);
  });

  it('the claim script makes an ed25519 key on a guest with OpenSSH, removes all others, and prints the new one', () => {
    const root = scratchDir();
    const [shown] = hostKeysIn(runIn(root, 'with OpenSSH'));
    const kept = readFileSync(path.join(root, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8');
    expect(kept.startsWith(`${shown} `)).toBe(true);
    expect(() => readFileSync(path.join(root, 'etc/ssh/ssh_host_rsa_key'))).toThrow('ENOENT');
    expect(readFileSync(path.join(root, 'systemctl'), 'utf8')).toBe('try-restart ssh.service\n');
  });

  it('the claim script makes the running sshd read its keys again', async () => {
    const root = scratchDir();
    const sshd = spawn('/bin/sleep', ['60']);
    const ended = once(sshd, 'exit');
    mkdirSync(path.join(root, 'run'));
    writeFileSync(path.join(root, 'run/sshd.pid'), `${sshd.pid}\n`);
    runIn(root, 'with OpenSSH');
    expect(await ended).toEqual([null, 'SIGHUP']);
    expect(() => readFileSync(path.join(root, 'systemctl'))).toThrow('ENOENT');
  });

  it('the claim script takes the key that the spare has made ahead, which nobody has seen', async () => {
    const root = scratchDir();
    mkdirSync(path.join(root, 'etc/ssh'), { recursive: true });
    expect(hostKeysIn(inTree(root, settledScript))).toEqual([]);
    inTree(root, settledScript);
    const ahead = readFileSync(path.join(root, 'etc/ssh/webhoster-next/ssh_host_ed25519_key.pub'), 'utf8');
    const [shown] = hostKeysIn(runIn(root, 'with OpenSSH'));
    expect(ahead.startsWith(`${shown} `)).toBe(true);
    await until(5_000, 'nothing else is left', () =>
      Promise.resolve(
        readdirSync(path.join(root, 'etc/ssh')).sort().join() ===
          'ssh_host_ed25519_key,ssh_host_ed25519_key.pub',
      ),
    );
    // once only
    expect(hostKeysIn(runIn(root, 'with OpenSSH'))).not.toContain(shown);
  });

  it('the claim script writes no cloud-init files on a guest without cloud-init', () => {
    const root = scratchDir();
    mkdirSync(path.join(root, 'usr/lib/webhoster'), { recursive: true });
    writeFileSync(path.join(root, 'usr/lib/webhoster/new-host-key'), `#!/bin/sh\necho '${key}'\n`);
    chmodSync(path.join(root, 'usr/lib/webhoster/new-host-key'), 0o755);
    expect(hostKeysIn(inTree(root, claimScript(facts, cloudInit)))).toEqual([key]);
    expect(readFileSync(path.join(root, 'var/www/html/index.html'), 'utf8')).toContain('Hello, mina');
    expect(readdirSync(path.join(root, 'var'))).toEqual(['www']);
  });

  it('the claim script asks a guest for a new key that has its own way to make one', () => {
    expect(hostKeysIn(runIn(scratchDir(), 'with a way of its own'))).toEqual([key]);
  });

  it('the claim script can be repeated', () => {
    const root = scratchDir();
    const [first, second] = [runIn(root, 'with OpenSSH'), runIn(root, 'with OpenSSH')];
    expect(hostKeysIn(second)).toHaveLength(1);
    expect(second).not.toBe(first);
  });
});

it('only public keys in the script’s output are read as host keys', () => {
  expect(hostKeysIn(`Generating\n${key} c\nssh-rsa\n fingerprint SHA256:x\n`)).toEqual([key]);
});
