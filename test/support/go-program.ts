/** Programs of the tests in Go: static, so that they run on this machine and in every guest. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface GoProgram {
  readonly file: string;
  remove(): void;
}

/** @param name  of its directory in test/support */
export async function buildGo(name: string): Promise<GoProgram> {
  const dir = mkdtempSync(path.join(tmpdir(), `webhoster-${name}-`));
  const file = path.join(dir, name);
  await run('go', ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', file, '.'], {
    cwd: path.join(__dirname, name),
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
  });
  return { file, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
