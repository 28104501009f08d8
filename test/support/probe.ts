/** The probe program on the host, and what listeners hear. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { projectRoot } from '../../engine/project';
import { until } from './system';

const run = promisify(execFile);

export interface Listener {
  /** Label -> how many frames bore it, without `end`. */
  readonly heard: Map<string, number>;
  ended(): boolean;
  stop(): void;
}

/** @returns the program, static, for this machine and every guest */
export async function buildProbe(): Promise<{ file: string; remove: () => void }> {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-probe-'));
  const file = path.join(dir, 'probe');
  const build = ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', file, '.'];
  await run('go', build, {
    cwd: path.join(projectRoot, 'test/support/probe'),
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
  });
  return { file, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Listens from when it returns until it hears `end`. */
export async function listen(argv: readonly string[]): Promise<Listener> {
  const [program = '', ...args] = argv;
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const heard = new Map<string, number>();
  let ready = false;
  let ended = false;
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (line === 'ready') ready = true;
    else if (line === 'end') ended = true;
    else heard.set(line, (heard.get(line) ?? 0) + 1);
  });
  try {
    await until(60_000, `${path.basename(program)} ${args.at(-1) ?? ''} listens`, () =>
      Promise.resolve(ready),
    );
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { heard, ended: () => ended, stop: () => child.kill('SIGKILL') };
}
