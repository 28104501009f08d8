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
