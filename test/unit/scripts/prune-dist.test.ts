/** What a version before compiled is gone after a build: Node would load `x.js` where a folder `x/` is meant. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../../engine/base/project';

let root: string;
beforeEach(() => (root = mkdtempSync(path.join(tmpdir(), 'webhoster-dist-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(file: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), '');
}
const prune = () => execFileSync(process.execPath, [path.join(projectRoot, 'scripts/prune-dist.mjs'), root]);

it('removes what has no source any more, and nothing else', () => {
  const kept = ['engine/hostings/index.js', 'engine/hostings/index.js.map', 'test/chaos/main.js'];
  for (const file of kept) {
    put(`dist/${file}`);
    put(file.replace(/\.js(\.map)?$/, '.ts'));
  }
  const others = [
    'dist/templates/page.js',
    'dist/tsconfig.tsbuildinfo',
    'dist/.sources',
    'dist/engine/data.json',
  ];
  const old = ['dist/engine/hostings.js', 'dist/engine/hostings.js.map', 'dist/api/gone/away.js'];
  for (const file of [...others, ...old]) put(file);
  prune();
  const left = (files: string[]): string[] => files.filter((file) => existsSync(path.join(root, file)));
  expect(left(old)).toEqual([]);
  expect(left([...kept.map((file) => `dist/${file}`), ...others])).toHaveLength(kept.length + others.length);
});

it('has nothing to do before the first build', () => {
  expect(prune().toString()).toBe('');
});
