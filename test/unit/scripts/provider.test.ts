/** The build of the provider: with the one line of its client changed, or not at all. Go itself is a stand-in. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../../engine/project';

const asItComes = 'func one() {\n\tc := make(chan response)\n\tuse(c)\n}\n';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-provider-'));
  for (const name of ['bin', 'client', 'work']) mkdirSync(path.join(dir, name));
  // says where the client is, and keeps what it is told to build with
  const go = `#!/bin/sh
    case "$1 $2" in
    'mod download') printf '{\\n\\t"Path": "x",\\n\\t"Dir": "${dir}/client",\\n\\t"Sum": "y"\\n}\\n' ;;
    'mod edit') ;;
    build*) cp client/rpc.go ${dir}/built; for last; do :; done; echo "$last" >${dir}/package ;;
    esac`;
  writeFileSync(path.join(dir, 'bin/go'), go);
  chmodSync(path.join(dir, 'bin/go'), 0o755);
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function build(client: string): Promise<{ code: number; output: string }> {
  writeFileSync(path.join(dir, 'client/rpc.go'), client);
  const script = `. scripts/lib/steps.sh; . scripts/lib/environment.sh; load_environment; . scripts/lib/provider.sh
    build_provider ${dir}/work ${dir}/provider`;
  const env = { PATH: `${dir}/bin:${process.env.PATH ?? ''}`, CACHE_DIR: path.join(dir, 'cache') };
  return new Promise((resolve) => {
    const child = execFile(
      'bash',
      ['--norc', '-c', script],
      { cwd: projectRoot, env },
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
      },
    );
  });
}

it('builds with room for the late reply, and leaves the rest of the client as it is', async () => {
  expect((await build(asItComes)).code).toBe(0);
  expect(readFileSync(path.join(dir, 'built'), 'utf8')).toBe(
    asItComes.replace('make(chan response)', 'make(chan response, 16)'),
  );
  expect(readFileSync(path.join(dir, 'package'), 'utf8')).toBe(
    'github.com/dmacvicar/terraform-provider-libvirt\n',
  );
  // the module cache is everybody's
  expect(readFileSync(path.join(dir, 'client/rpc.go'), 'utf8')).toBe(asItComes);
});

it.each([
  ['is not there', 0, 'func one() {\n\tc := make(chan response, 1)\n}\n'],
  ['is there twice', 2, asItComes + asItComes],
])('stops when the line %s, and says so', async (_, times, client) => {
  const { code, output } = await build(client);
  expect(code).not.toBe(0);
  expect(output).toContain(`the line of go-libvirt that late-reply.sed changes is there ${times} times`);
  expect(existsSync(path.join(dir, 'built'))).toBe(false);
});
