/** The operator's image commands on the images that the tests were given. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../engine/base/project';

interface Ran {
  readonly code: number;
  readonly output: string;
}

function webhoster(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CACHE_DIR: process.env.CACHE_DIR, ...env },
      timeout: 60_000,
    };
    execFile(
      process.execPath,
      [path.join(projectRoot, 'dist/cli/main.js'), ...args],
      options,
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
      },
    );
  });
}

it('lists every recipe, for people and for scripts', async () => {
  const { output } = await webhoster(['image', 'list']);
  expect(output).toMatch(/^micro +built +\d+ MiB/m);
  const listed = JSON.parse((await webhoster(['image', 'list', '--json'])).output) as {
    name: string;
    state: string;
  }[];
  expect(listed.map(({ name }) => name)).toEqual(['debian-13', 'ubuntu-22.04', 'ubuntu-24.04', 'micro']);
});

it('finds a built image as it was built', async () => {
  expect(await webhoster(['image', 'verify', 'micro'])).toEqual({
    code: 0,
    output: 'micro is intact\n',
  });
});

it.each([
  ['micro', { DEBIAN_MIRROR: 'http://127.0.0.1:9/debian' }],
  ['ubuntu-24.04', { UBUNTU_IMAGE_BASE_URL: 'http://127.0.0.1:9/releases' }],
])(
  'names the source that %s could not be had from, and leaves nothing half-built',
  async (name, mirror) => {
    const cache = mkdtempSync(path.join(tmpdir(), 'webhoster-images-'));
    const { code, output } = await webhoster(['image', 'build', name], { CACHE_DIR: cache, ...mirror });
    expect(code).toBe(1);
    expect(output).toContain(`error: Image ${name}: `);
    expect(output).toContain('127.0.0.1:9');
    expect(readdirSync(path.join(cache, 'images', name))).toEqual([]);
    rmSync(cache, { recursive: true });
  },
  90_000,
);

it.each([[['image', 'build', 'windows']], [['nonsense']], [['image', 'list', '--bogus']]])(
  'ends with 2 when it is not used as its help says: %j',
  async (args) => {
    expect((await webhoster(args)).code).toBe(2);
  },
);
