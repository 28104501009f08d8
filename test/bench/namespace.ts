/**
 * Parts that need no VM run in a network and process namespace of their own: their load reaches nobody, every address
 * of 127.0.0.0/8 and every port is free, and when the part ends, however it ends, all that it started is gone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Options } from './options';
import type { PartResult } from './result';

/** Shared memory of its own too. The shell stays as process 1 and takes in what daemons leave behind. */
const setUp = 'ip link set lo up && mount -t tmpfs tmpfs /dev/shm && "$@"; exit $?';

/** What a part of a namespace is given. */
export interface Isolated {
  readonly runs: number;
  readonly quick: boolean;
  /** For everything that it writes; removed when it has ended. Others may enter it: Nginx and PostgreSQL must. */
  readonly dir: string;
}

/** @throws {Error} when the part fails; what it said is on standard error */
export async function inNamespace(part: string, { runs, quick }: Options): Promise<PartResult> {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-bench-'));
  chmodSync(dir, 0o711);
  const [task, answer] = [path.join(dir, 'task.json'), path.join(dir, 'result.json')];
  writeFileSync(task, JSON.stringify({ part, given: { runs, quick, dir } satisfies Isolated, answer }));
  try {
    const child = spawn(
      'setpriv',
      [
        // with whoever started it, however that one ends
        ...['--pdeathsig', 'KILL', 'unshare'],
        ...['--net', '--pid', '--ipc', '--fork', '--kill-child', '--mount-proc'],
        ...['sh', '-c', setUp, 'sh'],
        ...[process.execPath, path.join(__dirname, 'isolated.js'), task],
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0)
      throw new Error(
        `part ${part} failed; its story is above; it needs root, setpriv, unshare, ip, nginx and wrk`,
      );
    return JSON.parse(readFileSync(answer, 'utf8')) as PartResult;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
