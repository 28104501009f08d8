/**
 * The only place that starts other programs.
 *
 * Each child leads its own process group and gets an environment that we define. When a call ends, for whatever
 * reason, its whole group is gone: Terraform's providers outlive a killed Terraform, and must not be running when the
 * next worker takes over the stack.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the bare environment (PATH, HOME, LANG). */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to the child's standard input. */
  readonly input?: string;
  /** Ends the group: SIGINT, then SIGKILL after the grace. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Ends the group like `timeoutMs` if no line that counts arrives for this long. @default no limit */
  readonly silentMs?: number;
  /** Which lines count for `silentMs`. @default all */
  readonly isProgress?: (line: string) => boolean;
  /** @default 10_000 */
  readonly graceMs?: number;
  /** Ends the group once it has written this much: its output may be controlled by others. @default 256 MiB */
  readonly maxOutputBytes?: number;
  /** Called with each line of standard output as it arrives. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  /** Exit code; null if a signal ended the child. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export class CommandNotFound extends Error {
  override readonly name = 'CommandNotFound';
}
export class OutputTooLarge extends Error {
  override readonly name = 'OutputTooLarge';
}
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  constructor(
    readonly argv: readonly string[],
    readonly result: CommandResult,
  ) {
    super(`${argv[0] ?? ''} ended with ${result.code ?? 'a signal'}: ${result.stderr.trim().slice(-2000)}`);
  }
}

/** The environment every child starts from: nothing of ours leaks into it, no TF_* or CDKTF_* reaches Terraform. */
function bareEnvironment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: process.env.HOME ?? '/root',
    LANG: 'C.UTF-8',
  };
}

/**
 * Runs a program to its end and returns the result, whatever the exit code.
 *
 * @param argv  program and arguments; no shell is involved
 * @throws {CommandNotFound} if there is no such program
 * @throws {DOMException} AbortError or TimeoutError, after the group is gone
 * @throws {OutputTooLarge} likewise
 */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [program = '', ...args] = argv;
  const started = performance.now();
  const { stop, abort, release, alive } = stopSignal(options);
  const { maxOutputBytes = longestOutput } = options;
  const tooMuch = (): void => {
    abort(new OutputTooLarge(`${program} wrote more than ${maxOutputBytes} bytes`));
  };
  const onLine = (line: string): void => {
    options.onLine?.(line);
    if (options.isProgress?.(line) !== false) alive();
  };
  try {
    stop.throwIfAborted();
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...bareEnvironment(), ...options.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const output = collectOutput(child, onLine, { maxBytes: maxOutputBytes, tooMuch });
    const ended = exitOf(child, program, options.cwd);
    child.stdin.on('error', () => undefined); // a child that ends without reading its input is no error of ours
    child.stdin.end(options.input ?? '');
    stopOnAbort(stop, child, options.graceMs ?? 10_000);
    const code = await ended;
    if (child.pid !== undefined) await endGroup(child.pid, 'SIGKILL', 0);
    stop.throwIfAborted();
    return { code, ...output(), ms: performance.now() - started };
  } finally {
    release();
  }
}

/** As `runCommand`, but an exit code other than 0 is an error. @throws {CommandFailed} */
export async function expectCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await runCommand(argv, options);
  if (result.code !== 0) throw new CommandFailed(argv, result);
  return result;
}

/**
 * Ends a process group, and returns once none of its processes is left.
 *
 * @param graceMs  time between `signal` and SIGKILL
 */
export async function endGroup(processGroup: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const deadline = performance.now() + graceMs;
  if (!signalGroup(processGroup, signal)) return;
  while (signalGroup(processGroup, 0) && !onlyZombies(processGroup)) {
    if (performance.now() >= deadline) signalGroup(processGroup, 'SIGKILL');
    await delay(10);
  }
}

/**
 * Ends every process whose working directory is this one (Terraform and its providers run in their workspace), whoever
 * started it. Nothing else should be running there.
 */
export async function endProcessesIn(dir: string): Promise<void> {
  for (
    let pids = processesIn(dir), signal: NodeJS.Signals = 'SIGTERM';
    pids.length > 0;
    pids = processesIn(dir), signal = 'SIGKILL'
  ) {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // it went by itself
      }
    }
    await delay(50);
  }
}

/** Processes other than this one whose working directory is this one, even if it has been removed meanwhile. */
export function processesIn(dir: string): number[] {
  if (!existsSync(dir)) return [];
  // /proc knows no symbolic links
  const real = realpathSync(dir);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids
    .filter((pid) => {
      try {
        // a directory that was removed and made again leaves those who still work in the old one
        return [real, `${real} (deleted)`].includes(readlinkSync(`/proc/${pid}/cwd`));
      } catch {
        return false;
      }
    })
    .map(Number);
}

function signalGroup(processGroup: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-processGroup, signal);
    return true;
  } catch {
    return false;
  }
}

/** Where process 1 does not reap, ended orphans stay in the table for ever; they do no work. */
function onlyZombies(processGroup: number): boolean {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.every((pid) => {
    try {
      // after the command's closing parenthesis: state, parent, process group
      const [state, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .split(') ')
        .slice(-1)
        .join('')
        .split(' ');
      return Number(group) !== processGroup || state === 'Z';
    } catch {
      return true;
    }
  });
}

/**
 * Fires when the caller's signal does, when time is up, or when there was no sign of life for too long. Not
 * AbortSignal.any over AbortSignal.timeout: on Node 20 the garbage collector takes the timer with it, and the child is
 * never stopped.
 */
function stopSignal({ signal, timeoutMs, silentMs }: CommandOptions): {
  stop: AbortSignal;
  abort: (reason: unknown) => void;
  release: () => void;
  alive: () => void;
} {
  const stop = new AbortController();
  const passOn = (): void => {
    stop.abort(signal?.reason);
  };
  if (signal?.aborted) passOn();
  signal?.addEventListener('abort', passOn, { once: true });
  const after = (ms: number | undefined, what: string): NodeJS.Timeout | undefined =>
    ms === undefined
      ? undefined
      : setTimeout(() => {
          stop.abort(new DOMException(`${what} ${ms} ms`, 'TimeoutError'));
        }, ms);
  const timer = after(timeoutMs, 'not done in');
  const silence = after(silentMs, 'no progress for');
  const release = (): void => {
    clearTimeout(timer);
    clearTimeout(silence);
    signal?.removeEventListener('abort', passOn);
  };
  const abort = (reason: unknown): void => {
    stop.abort(reason);
  };
  return { stop: stop.signal, abort, release, alive: () => silence?.refresh() };
}

function stopOnAbort(signal: AbortSignal, child: ChildProcess, graceMs: number): void {
  const stop = (): void => {
    if (child.pid !== undefined) void endGroup(child.pid, 'SIGINT', graceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
}

/** Time that what a program started has to write its last lines when the program itself has ended. */
const lastWordsMs = 500;

function exitOf(child: ChildProcess, program: string, cwd: string | undefined): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      // a missing directory is told by the same code
      const missing = error.code === 'ENOENT' && (cwd === undefined || existsSync(cwd));
      reject(
        missing
          ? new CommandNotFound(`${program} is not installed`, { cause: error })
          : new Error(`${program} could not be started: ${error.message}`, { cause: error }),
      );
    });
    child.once('exit', (code) => {
      // 'close' waits for everybody who holds the output, and one of the group may hold it for ever
      const timer = setTimeout(() => {
        if (child.pid !== undefined) void endGroup(child.pid, 'SIGKILL', 0);
      }, lastWordsMs);
      child.once('close', () => {
        clearTimeout(timer);
        resolve(code);
      });
    });
  });
}

/** Well below the longest string there can be: a longer one would end this process. */
const longestOutput = 256 * 1024 ** 2;

function collectOutput(
  child: ChildProcess,
  onLine: (line: string) => void,
  { maxBytes, tooMuch }: { maxBytes: number; tooMuch: () => void },
): () => { stdout: string; stderr: string } {
  let stdout = '';
  let stderr = '';
  let partial = '';
  let bytes = 0;
  /** What comes after too much is thrown away. */
  const fits = (chunk: string): boolean => {
    bytes += chunk.length;
    if (bytes > maxBytes) tooMuch();
    return bytes <= maxBytes;
  };
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    if (!fits(chunk)) return;
    stdout += chunk;
    const lines = (partial + chunk).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  child.stdout?.on('end', () => {
    if (partial !== '') onLine(partial);
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    if (fits(chunk)) stderr += chunk;
  });
  return () => ({ stdout, stderr });
}
