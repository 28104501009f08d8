/** The build of the provider: with its client mended, or not at all. Go itself is a stand-in. */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../../engine/base/project';

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

let pinned: string;
beforeAll(() => {
  const argv = ['mod', 'download', '-json', 'github.com/digitalocean/go-libvirt'];
  const told = execFileSync('go', argv, { cwd: path.join(projectRoot, 'engine/machine/terraform/provider') });
  pinned = path.join((JSON.parse(told.toString()) as { Dir: string }).Dir, 'rpc.go');
});

it('builds with the client mended, and leaves the one in everybody’s cache as it is', async () => {
  const asItComes = readFileSync(pinned, 'utf8');
  expect(await build(asItComes)).toMatchObject({ code: 0 });
  const built = readFileSync(path.join(dir, 'built'), 'utf8');
  expect(built).toContain('make(chan response, 16)');
  expect(built).toContain('for resp.Type == socket.Stream {');
  expect(readFileSync(path.join(dir, 'package'), 'utf8')).toBe(
    'github.com/dmacvicar/terraform-provider-libvirt\n',
  );
  expect(readFileSync(path.join(dir, 'client/rpc.go'), 'utf8')).toBe(asItComes);
});

it.each([
  [
    'has other lines in the place',
    (text: string) => text.replace('c := make(chan response)', 'c := make(chan response, 1)'),
  ],
  ['has them twice', (text: string) => text + text],
  ['differs anywhere', (text: string) => `${text}\n// newer\n`],
])('stops when the client %s, and says so', async (_, change) => {
  const { code, output } = await build(change(readFileSync(pinned, 'utf8')));
  expect(code).not.toBe(0);
  expect(output).toContain('was not made for this rpc.go of go-libvirt');
  expect(existsSync(path.join(dir, 'built'))).toBe(false);
});
