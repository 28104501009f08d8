/** Shell functions of scripts/lib by themselves, with nothing of this machine within their reach. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { removeScratch, scratchDir } from './engine/support';

afterAll(removeScratch);

const root = path.join(__dirname, '../..');

/** @returns what it printed */
function inShell(script: string, env: Record<string, string>): string {
  const sourced = ['steps', 'environment', 'command'].map((name) => `. ${root}/scripts/lib/${name}.sh`);
  return execFileSync('bash', ['--norc', '-c', ['set -euo pipefail', ...sourced, script].join('\n')], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', ...env },
  });
}

describe('webhoster on the PATH', () => {
  let link: string;
  beforeEach(() => {
    link = path.join(scratchDir(), 'bin/webhoster');
  });
  const run = (script: string): string => inShell(script, { COMMAND_LINK: link });

  it('is a link to the script, once and again, until a purge takes it away', () => {
    expect(run('link_command; link_command')).toBe('');
    expect(readlinkSync(link)).toBe(path.join(root, 'scripts/webhoster'));
    run('unlink_command; unlink_command');
    expect(existsSync(link)).toBe(false);
  });

  it('takes the place of a link that leads nowhere', () => {
    run(`mkdir -p "$(dirname "$COMMAND_LINK")"`);
    symlinkSync('/nowhere/scripts/webhoster', link);
    run('link_command');
    expect(readlinkSync(link)).toBe(path.join(root, 'scripts/webhoster'));
  });

  it('leaves what has the name already, says so, and takes nothing of it away', () => {
    run(`mkdir -p "$(dirname "$COMMAND_LINK")"`);
    writeFileSync(link, '#!/bin/sh\n', { mode: 0o755 });
    expect(run('link_command; unlink_command')).toContain(`webhoster on the PATH is ${link}`);
    expect(readFileSync(link, 'utf8')).toBe('#!/bin/sh\n');
  });
});

it('a data directory without a token for metrics is no reason to stop, as that of a restore', () => {
  const dir = scratchDir();
  const shown = (): string[] =>
    inShell(`use_secrets; env | grep _FILE= | sort`, { DATA_DIR: dir }).trim().split('\n');
  const needed = ['JWT_SECRET', 'POSTGRES_PASSWORD', 'STATE_KEY'];
  const files = needed.map((name) => `${name}_FILE=${dir}/secrets/${name.toLowerCase()}`);
  expect(shown()).toEqual(files);
  execFileSync('mkdir', ['-p', `${dir}/secrets`]);
  writeFileSync(`${dir}/secrets/metrics_token`, 'x');
  expect(shown()).toEqual([...files, `METRICS_TOKEN_FILE=${dir}/secrets/metrics_token`].sort());
});

// daemon is a user and a group of every Debian; only root can become another
(process.getuid?.() === 0 ? describe : describe.skip)('the API, of a service that root starts', () => {
  const secret = 'a secret';
  /** @param main  what the API is, in a checkout that only root gets to */
  const start = (before: string, main = '', umask = '022'): string => {
    const dir = scratchDir();
    writeFileSync(`${dir}/main.js`, main);
    writeFileSync(`${dir}/jwt`, secret);
    const script = `umask ${umask}
      mkdir -p ${dir}/checkout/{dist/api,node_modules}; touch ${dir}/checkout/.env; echo {} >${dir}/checkout/package.json
      cat ${dir}/main.js >${dir}/checkout/dist/api/main.js
      mount -t tmpfs -o mode=755 tmpfs /mnt
      DATA_DIR=/mnt/data; install -d -m 0711 "$DATA_DIR"
      . ${root}/scripts/lib/processes.sh; . ${root}/scripts/lib/service.sh
      API_USER=daemon API_SECRETS=(JWT_SECRET STATE_KEY) JWT_SECRET_FILE=${dir}/jwt
      as_api() { setpriv --reuid=daemon --regid=daemon --clear-groups "$@"; }
      ${before}
      ROOT=${dir}/checkout; open_program
      ${main === '' ? '' : `become_api "$ROOT" "$API_DIR" daemon 8000`}`;
    const text = `set -euo pipefail\n. ${root}/scripts/lib/steps.sh\n${script}`;
    const argv = ['--mount', '--propagation', 'private', 'bash', '--norc', '-c', text];
    const env = { PATH: process.env.PATH ?? '' };
    return execFileSync('unshare', argv, { encoding: 'utf8', env });
  };

  it('reads its secrets, and can put nothing in the place of what root writes', () => {
    const shown = start(`
      install -d -m 0700 -o daemon -g daemon "$API_DIR" "$API_DIR/secrets" # as an older version left it
      copy_secrets
      as_api cat "$API_DIR/secrets/jwt_secret"
      for place in "$DATA_DIR" "$API_DIR" "$API_DIR/secrets" "$API_DIR/program" "$API_DIR/secrets/jwt_secret"; do
        if as_api test -w "$place"; then echo " may write $place"; fi
      done
      ls "$API_DIR/secrets"
      setpriv --reuid=nobody --regid=nogroup --clear-groups test -r "$API_DIR/secrets/jwt_secret" && echo everybody reads it || true`);
    expect(shown).toBe(`${secret}jwt_secret\n`);
  });

  it.each(['022', '027', '077'])(
    'runs from a checkout that only root gets to, made under umask %s, and reads the program alone',
    (umask) => {
      const main = `const { readFileSync, accessSync } = require('node:fs');
        console.log(process.getuid(), process.env.ROLE, readFileSync(process.env.JWT_SECRET_FILE, 'utf8'));
        try { accessSync(__dirname + '/../../.env', 4); console.log('and .env'); } catch {}`;
      expect(start('copy_secrets', main, umask)).toBe(`1 api ${secret}\n`);
    },
  );

  it('runs where no secret is in a file', () => {
    const main = `console.log(Object.keys(process.env).filter((name) => name.endsWith('_FILE')));`;
    expect(start('API_SECRETS=(); copy_secrets; set -e', main)).toBe('[]\n');
  });
});
