/** What the unit tests of the engine share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const made: string[] = [];

/** A directory that goes when the test ends. Call `removeScratch` in afterEach. */
export function scratchDir(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-unit-'));
  made.push(dir);
  return dir;
}

export function removeScratch(): void {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
}

/** What a call throws, whether it does so at once or by its promise. */
export async function thrownBy(body: () => unknown): Promise<unknown> {
  try {
    await body();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}
