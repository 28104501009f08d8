import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nameOfBuild, providerBuild } from '../../../../engine/machine/terraform/provider';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-mirror-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const build = { version: '0.8.3', build: 'whole-streams', sha256: 'a'.repeat(64) };

it('the provider’s build is that in the mirror', async () => {
  writeFileSync(path.join(dir, 'build.json'), JSON.stringify(build));
  const found = await providerBuild(dir);
  expect(found).toEqual(build);
  expect(nameOfBuild(found!)).toBe('0.8.3+whole-streams');
});

it.each([
  ['nothing', null],
  ['half a file', '{"version":'],
  ['another word', JSON.stringify({ ...build, build: 'mine' })],
])('there is no provider build if there is %s', async (_, text) => {
  if (text !== null) writeFileSync(path.join(dir, 'build.json'), text);
  expect(await providerBuild(dir)).toBeNull();
});
