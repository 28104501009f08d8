/** The probe program on the host, and what listeners hear. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buildGo, type GoProgram } from './go-program';
import { until } from '../worlds/system';

export interface Listener {
  /** Label -> how many frames bore it, without `end`. */
  readonly heard: Map<string, number>;
  ended(): boolean;
  stop(): void;
}

export const buildProbe = (): Promise<GoProgram> => buildGo('probe');

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
