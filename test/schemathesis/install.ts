/** Schemathesis in an environment of its own under CACHE_DIR, at pinned versions, made once. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../support/postgres';

const run = promisify(execFile);

export async function findSchemathesis(): Promise<string> {
  const requirements = path.join(process.cwd(), 'test/schemathesis/requirements.txt');
  const stamp = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const home = path.join(cacheDir, `schemathesis-${stamp}`);
  const done = path.join(home, 'bin/schemathesis');
  const half = `${home}.installing`;
  if (!existsSync(done)) {
    rmSync(home, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', home]);
    await run(path.join(home, 'bin/pip'), ['install', '--quiet', '--no-deps', '-r', requirements], {
      timeout: 300_000,
    }).catch((thrown: unknown) => {
      // what is half there must not pass for all of it
      rmSync(half, { recursive: true, force: true });
      renameSync(home, half);
      throw thrown;
    });
  }
  return done;
}
