/** The workers of a run: each a process of its own, and another one for each that dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface LogLine {
  readonly at: number;
  readonly pid: number;
  readonly text: string;
}

export interface Crew {
  readonly log: readonly LogLine[];
  /** Ends that were nobody's plan. */
  readonly unexpected: readonly string[];
  /** Application name of a worker in the database. */
  nameOf(pid: number): string | undefined;
  /** Lets a frozen worker go on. */
  wake(pid: number): void;
  /** Ends all of them, the frozen ones too. */
  stop(): Promise<void>;
}

export interface CrewOptions {
  readonly size: number;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** After an end that was not planned: a worker that cannot start must not be started a hundred times a second. */
const respawnPauseMs = 1_000;
const graceMs = 15_000;

export function startCrew({ size, env, logFile }: CrewOptions): Crew {
  const alive = new Map<number, ChildProcess>();
  const names = new Map<number, string>();
  const log: LogLine[] = [];
  const unexpected: string[] = [];
  const file = createWriteStream(logFile, { flags: 'a' });
  let begun = 0;
  let stopping = false;

  const begin = (): void => {
    if (stopping) return;
    const name = `chaos-${++begun}`;
    // a group of its own: Ctrl-C is for the driver, which ends the workers itself
    const child = spawn(process.execPath, [path.join(__dirname, 'worker.js')], {
      env: { ...env, ROLE: 'worker', WORKER_CONCURRENCY: '1', PGAPPNAME: name },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const pid = child.pid ?? -1;
    alive.set(pid, child);
    names.set(pid, name);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (text) => {
        log.push({ at: Date.now(), pid, text });
        file.write(`${pid} ${text}\n`);
      });
    }
    child.once('exit', (code, signal) => {
      alive.delete(pid);
      if (stopping) return;
      if (signal === 'SIGKILL') return begin();
      const last = log.filter((line) => line.pid === pid).slice(-3);
      unexpected.push([signal ?? `code ${code ?? ''}`, ...last.map(({ text }) => text)].join(' '));
      setTimeout(begin, respawnPauseMs);
    });
  };
  for (let n = 0; n < size; n++) begin();

  return {
    log,
    unexpected,
    nameOf: (pid) => names.get(pid),
    wake: (pid) => alive.get(pid)?.kill('SIGCONT'),
    stop: async () => {
      stopping = true;
      const ended = [...alive.values()].map(end);
      await Promise.all(ended);
      await new Promise((resolve) => file.end(resolve));
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
}
