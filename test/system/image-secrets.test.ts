/**
 * What every guest of an image would share. Read from the disks as they are in the cache, without starting or mounting
 * them. Images that were not built on this machine are not looked at; `micro` always is.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

jest.setTimeout(300_000);
const run = promisify(execFile);
const imagesDir = path.join(process.env.CACHE_DIR ?? '/var/cache/vm-webhoster', 'images');

/** Those whose disk is one file system, which debugfs reads; Ubuntu's has partitions. */
const names = ['micro', 'debian-13'].filter(
  (name) => name === 'micro' || (existsSync(path.join(imagesDir, name)) && versions(name).length > 0),
);

function versions(name: string): string[] {
  return readdirSync(path.join(imagesDir, name)).filter((each) =>
    existsSync(path.join(imagesDir, name, each, 'disk.qcow2')),
  );
}

describe.each(names)('the image %s', (name) => {
  let dir: string;
  let disk: string;
  beforeAll(async () => {
    dir = mkdtempSync('/var/tmp/webhoster-image-');
    disk = path.join(dir, 'disk.raw');
    const newest = versions(name)
      .map((each) => path.join(imagesDir, name, each, 'disk.qcow2'))
      .at(-1);
    await run('qemu-img', ['convert', '-O', 'raw', newest ?? '', disk]);
  });
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const debugfs = async (request: string): Promise<string> =>
    (await run('debugfs', ['-R', request, disk], { maxBuffer: 1 << 26 })).stdout;
  const text = (file: string): Promise<string> => debugfs(`cat ${file}`);
  /** Names in a directory; none when it is not there. */
  const entries = async (directory: string): Promise<string[]> =>
    (await debugfs(`ls -p ${directory}`))
      .split('\n')
      .flatMap((line) => line.split('/')[5] ?? [])
      .filter((entry) => entry !== '' && entry !== '.' && entry !== '..');

  it('can be read by this test', async () => {
    expect(await text('/etc/passwd')).toContain('ubuntu:x:1000:1000');
    expect(await entries('/etc')).toContain('passwd');
  });

  it('has no host key: each VM makes its own', async () => {
    const kept = [...(await entries('/etc/ssh')), ...(await entries('/etc/dropbear'))];
    expect(kept.filter((entry) => /host_.*key|host_key/.test(entry))).toEqual([]);
  });

  it('has no identity', async () => {
    expect((await text('/etc/machine-id')).trim()).toBe('');
    expect(await entries('/var/lib/dbus')).not.toContain('machine-id');
    expect(await entries('/var/lib/systemd')).not.toContain('random-seed');
    expect(await entries('/var/lib/cloud')).toEqual([]);
    expect(await entries('/var/lib/micro')).toEqual([]);
  });

  it('lets nobody in by a key or a password', async () => {
    for (const home of ['/root', '/home/ubuntu']) {
      expect(await entries(`${home}/.ssh`)).toEqual([]);
      expect((await entries(home)).filter((entry) => /history|netrc|npmrc|gnupg/.test(entry))).toEqual([]);
    }
    const passwords = (await text('/etc/shadow')).split('\n').flatMap((line) => line.split(':')[1] ?? []);
    expect(passwords.filter((hash) => !/^[!*]+$/.test(hash))).toEqual([]);
  });

  it('has no private key and no account of the build machine', async () => {
    const places = ['/etc/ssl/private', '/etc/apt/auth.conf.d', '/root', '/home/ubuntu'];
    const found = (await Promise.all(places.map((place) => entries(place)))).flat();
    expect(found.filter((entry) => /key|pem|auth|\.conf$/.test(entry))).toEqual([]);
    const sources = await text('/etc/apt/sources.list');
    expect(sources).not.toMatch(/@|127\.0\.0\.1|localhost/);
  });

  it('takes security upgrades by itself, a firewall and keys only, where it is more than a toy', async () => {
    if (name === 'micro') return;
    expect(await text('/etc/apt/sources.list')).toMatch(/security/);
    expect(await text('/etc/apt/apt.conf.d/20auto-upgrades')).toMatch(/Unattended-Upgrade "1"/);
    expect(await text('/etc/apt/apt.conf.d/52webhoster-security-only')).toMatch(
      /-security,label=Debian-Security/,
    );
    expect(await text('/etc/ufw/ufw.conf')).toMatch(/^ENABLED=yes$/m);
    const ssh = await text('/etc/ssh/sshd_config.d/10-webhoster.conf');
    for (const line of ['PasswordAuthentication no', 'PermitRootLogin no']) expect(ssh).toContain(line);
  });
});
