/** Every place where a text of a user meets a shell, with a real one: it is data there, whatever it is. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderCloudInit } from '../../engine/machine/guest/cloud-init';
import { claimScript } from '../../engine/hostings/spares/claim-script';
import { projectRoot } from '../../engine/base/project';
import { canary, hostile, runs, sample, whole } from '../support/hostile';
import { sinkFile } from '../support/sink-file';
import { acceptedOf, pooled, reportSink } from '../support/user-values';

const at = sinkFile();

describe('a shell', () => {
  const welcome = (username: string) => ({
    ...{ username, vmName: 'vm-1a2b3c4d', webUrl: 'http://localhost/7', subdomainUrl: 'http://x.localhost/' },
    ...{ sshCommand: 'ssh -p 10001 ubuntu@localhost', sftpCommand: 'sftp -P 10001 ubuntu@localhost' },
  });

  /**
   * The script that makes a spare its user's, as the guest agent gives it to `/bin/sh -s`, many in one shell: each has
   * a tree of its own, and what would only take time does nothing.
   */
  it('the guest agent’s script passes a key and a page to the shell as data, whatever they are', () => {
    // half of what the schemas let through, and half of what none would
    const half = Math.ceil(runs / 2);
    const given = [...pooled(half), ...sample(hostile, half)].map(whole);
    const cwd = mkdtempSync(path.join(at.dir, 'shell-'));
    const renewal = path.join(at.dir, 'new-host-key');
    writeFileSync(renewal, `#!/bin/sh\necho ssh-ed25519 AAAA\n`);
    chmodSync(renewal, 0o755);
    const facts = (text: string) => {
      const guest = {
        hostingId: '1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d',
        vmName: 'vm-1a2b3c4d',
        sshPublicKey: text,
        gateway: '10.90.0.1',
        welcome: welcome(text),
      };
      return { guest, cloudInit: renderCloudInit(guest) };
    };
    const script = given.map((text, index) => {
      const root = path.join(at.dir, 'trees', String(index));
      for (const below of ['home/ubuntu/.ssh', 'var/www/html', 'var/lib/cloud/instance'])
        mkdirSync(path.join(root, below), { recursive: true });
      writeFileSync(path.join(root, 'var/lib/cloud/instance/user-data.txt'), '');
      const { guest, cloudInit } = facts(text);
      const here = claimScript(guest, cloudInit)
        .replaceAll('/usr/lib/webhoster/new-host-key', renewal)
        .replaceAll(/(?<=[\s='"])\/(home|var)\//g, `${root}/$1/`)
        .replaceAll('-C / $files', `-C ${root} $files`);
      return `(\n${here}\n) || echo failed ${index} >&2\n`;
    });
    const idle = ['sync', 'rm'].map((name) => `${name}() { :; }\n`).join('');
    execFileSync('/bin/sh', ['-s'], { input: idle + script.join(''), cwd, maxBuffer: 1 << 28 });
    given.forEach((text, index) => {
      const read = (file: string): string =>
        readFileSync(path.join(at.dir, 'trees', String(index), file), 'utf8');
      const { cloudInit } = facts(text);
      expect(read('home/ubuntu/.ssh/authorized_keys')).toBe(`${text}\n`);
      expect(read('var/lib/cloud/instance/user-data.txt')).toBe(cloudInit.userData);
    });
    expect(readdirSync(cwd)).toEqual([]);
    reportSink('shell-the-claim-script', at.started, { values: given.length });
  });

  it('a shell reads an unquoted username, label or domain as one word', () => {
    const words = ['username', 'label name', 'label value', 'domain', 'names to list'].flatMap(acceptedOf);
    const cwd = mkdtempSync(path.join(at.dir, 'words-'));
    const input = words.map((word) => `printf '%s\\n' ${word}\n`).join('');
    const found = execFileSync('/bin/sh', ['-s'], { input, cwd, maxBuffer: 1 << 28, encoding: 'utf8' });
    expect(found.split('\n').slice(0, -1)).toEqual(words);
    expect(readdirSync(cwd)).toEqual([]);
    reportSink('shell-unquoted-words', at.started, { values: words.length });
  });

  it.each([
    ['webhoster', []],
    ['teardown.sh', ['teardown', '--local']],
  ] as const)('scripts/%s passes its arguments on as they are', (script, before) => {
    const root = mkdtempSync(path.join(at.dir, 'root-'));
    cpSync(path.join(projectRoot, 'scripts'), path.join(root, 'scripts'), { recursive: true });
    mkdirSync(path.join(root, 'dist/cli'), { recursive: true });
    const program = 'process.stdout.write(JSON.stringify(process.argv.slice(2)))';
    writeFileSync(path.join(root, 'dist/cli/main.js'), program);
    const cwd = mkdtempSync(path.join(at.dir, 'arguments-'));
    const env = { ...process.env, DATA_DIR: path.join(root, 'data') };
    // no program can be given a NUL
    const words = sample(hostile)
      .map(whole)
      .filter((word) => !word.includes('\0'));
    for (let from = 0; from < words.length; from += 1_000) {
      const some = words.slice(from, from + 1_000);
      const argv = [path.join(root, 'scripts', script), ...some];
      const said = execFileSync('bash', argv, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 28 });
      expect(JSON.parse(said)).toEqual([...before, ...some]);
    }
    expect(readdirSync(cwd)).toEqual([]);
    reportSink(`shell-scripts-${script}`, at.started, { values: words.length });
  });

  it('a shell would run the texts if it got them as code: the test can fail', () => {
    const cwd = mkdtempSync(path.join(at.dir, 'canary-'));
    execFileSync('/bin/sh', ['-s'], { input: `printf '%s\\n' $(>${canary})`, cwd });
    expect(readdirSync(cwd)).toEqual([canary]);
  });
});
