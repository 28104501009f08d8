/** What every file of tests has that takes users' texts through a reader. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runs } from './hostile';

/** @returns a directory that goes with the file, and when the test began (`performance.now()`); not before the hooks */
export function sinkFile(): { readonly dir: string; readonly started: number } {
  jest.setTimeout(runs > 1000 ? 1_800_000 : 240_000);
  const at = { dir: '', started: 0 };
  beforeAll(() => {
    at.dir = mkdtempSync(path.join(tmpdir(), 'webhoster-injection-'));
  });
  beforeEach(() => {
    at.started = performance.now();
  });
  afterAll(() => {
    rmSync(at.dir, { recursive: true, force: true });
  });
  return at;
}
