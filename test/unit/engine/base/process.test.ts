import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CommandFailed,
  CommandNotFound,
  endGroup,
  endProcessesIn,
  expectCommand,
  OutputTooLarge,
  runCommand,
} from '../../../../engine/base/process';
import { removeScratch, scratchDir, thrownBy } from '../support';

afterEach(removeScratch);

const sh = (script: string, options: Parameters<typeof runCommand>[1] = {}) =>
  runCommand(['sh', '-c', script], options);

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error('it did not come to pass');
    await delay(10);
  }
}

/** True while the process does something: an ended one that nobody reaped counts as gone. */
function works(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function readPid(file: string): number {
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

describe('runCommand', () => {
  it.each([0, 1, 42])('runCommand returns exit code %i with the output', async (code) => {
    const result = await sh(`echo out; echo err >&2; exit ${code}`);
    expect(result).toMatchObject({ code, stdout: 'out\n', stderr: 'err\n' });
    expect(result.ms).toBeGreaterThan(0);
  });

  it('runCommand returns no code for a child that a signal ended', async () => {
    expect((await sh('kill -TERM $$')).code).toBeNull();
  });

  it('runCommand passes arguments without a shell', async () => {
    const { stdout } = await runCommand(['printf', '%s|', '$HOME', 'a b', '"; exit 1']);
    expect(stdout).toBe('$HOME|a b|"; exit 1|');
  });

  it('runCommand writes the input and closes it', async () => {
    const input = '안녕\n'.repeat(50_000);
    expect((await runCommand(['cat'], { input })).stdout).toBe(input);
  });

  it('runCommand gives an empty input if there is none', async () => {
    expect((await sh('read line || echo nothing')).stdout).toBe('nothing\n');
  });

  it('runCommand copes with a child that ends without reading its input', async () => {
    expect((await runCommand(['true'], { input: 'x'.repeat(1_000_000) })).code).toBe(0);
  });

  it('runCommand runs in the given directory', async () => {
    const dir = realpathSync(scratchDir());
    expect((await runCommand(['pwd'], { cwd: dir })).stdout.trim()).toBe(dir);
  });

  it('runCommand reports a missing program as such', async () => {
    const thrown = await thrownBy(() => runCommand(['no-such-program-here', '--version']));
    expect(thrown).toBeInstanceOf(CommandNotFound);
    expect((thrown as Error).message).toBe('no-such-program-here is not installed');
  });

  it('runCommand does not call a program missing when its working directory is', async () => {
    const thrown = await thrownBy(() => runCommand(['true'], { cwd: path.join(scratchDir(), 'none') }));
    expect(thrown).not.toBeInstanceOf(CommandNotFound);
    expect((thrown as Error).message).toContain('could not be started');
  });

  describe('hands on each line', () => {
    const linesOf = async (script: string): Promise<string[]> => {
      const lines: string[] = [];
      await sh(script, { onLine: (line) => lines.push(line) });
      return lines;
    };

    it('onLine gets each line once it is complete, in however many pieces it arrived', async () => {
      expect(
        await linesOf('printf "one"; sleep 0.05; printf " more\\ntwo\\n\\nthr"; sleep 0.05; printf "ee\\n"'),
      ).toEqual(['one more', 'two', '', 'three']);
    });

    it('onLine gets characters whole that arrived in two pieces', async () => {
      expect(await linesOf('printf "\\354\\225"; sleep 0.05; printf "\\210\\n"')).toEqual(['안']);
    });

    it('onLine gets the last line even without a newline', async () => {
      expect(await linesOf('printf "panic: out of memory"')).toEqual(['panic: out of memory']);
    });

    it('onLine gets each line at once, not at the end', async () => {
      const stop = new AbortController();
      const seen = sh('echo first; sleep 60', {
        signal: stop.signal,
        graceMs: 0,
        onLine: () => stop.abort(new Error('seen')),
      });
      await expect(seen).rejects.toThrow('seen');
    });
  });

  describe('starts from a bare environment', () => {
    const leaking = {
      TF_VAR_secret: 'x',
      TF_CLI_ARGS: '-bogus',
      CDKTF_OUTDIR: '/x',
      JWT_SECRET: 'y',
      NODE_OPTIONS: '--max-old-space-size=64',
      LC_ALL: 'ko_KR.UTF-8',
    };
    beforeEach(() => Object.assign(process.env, leaking));
    afterEach(() => {
      for (const name of Object.keys(leaking)) Reflect.deleteProperty(process.env, name);
    });
    const environmentOf = async (env?: Record<string, string>): Promise<Record<string, string>> => {
      const { stdout } = await runCommand(['env', '-0'], { env });
      return Object.fromEntries(
        stdout
          .split('\0')
          .filter(Boolean)
          .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
      );
    };

    it('a child’s environment holds PATH, HOME and the language, and nothing else', async () => {
      expect(await environmentOf()).toEqual({
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LANG: 'C.UTF-8',
      });
    });

    it('only the caller adds to a child’s environment', async () => {
      expect(await environmentOf({ TF_IN_AUTOMATION: '1' })).toEqual({
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LANG: 'C.UTF-8',
        TF_IN_AUTOMATION: '1',
      });
    });
  });

  describe('leaves nobody of the group behind', () => {
    /** A child that leaves a grandchild, which ignores all it can and writes its id into `file`. */
    const family = (file: string, then: string): string =>
      `sh -c 'trap "" INT TERM HUP; echo $$ > ${file}.new; mv ${file}.new ${file}; while :; do sleep 1; done' & ${then}`;

    it('a timeout ends the whole group, even a grandchild that ignores SIGINT', async () => {
      const file = path.join(scratchDir(), 'pid');
      const started = performance.now();
      await expect(sh(family(file, 'wait'), { timeoutMs: 300, graceMs: 100 })).rejects.toMatchObject({
        name: 'TimeoutError',
      });
      expect(performance.now() - started).toBeGreaterThanOrEqual(300);
      expect(works(readPid(file))).toBe(false);
    });

    it('a timeout ends the whole group, even if the child itself ignores SIGINT', async () => {
      const file = path.join(scratchDir(), 'pid');
      const stubborn = `trap "" INT; echo $$ > ${file}; while :; do sleep 0.05; done`;
      await expect(sh(stubborn, { timeoutMs: 300, graceMs: 200 })).rejects.toMatchObject({
        name: 'TimeoutError',
      });
      expect(works(readPid(file))).toBe(false);
    });

    // a timer that only weak references lead to is collected, and then never fires (Node 20's AbortSignal.any)
    it('a timeout ends the whole group even after a garbage collection', async () => {
      const stop = new AbortController();
      const running = sh('sleep 60', { timeoutMs: 300, graceMs: 0, signal: stop.signal });
      // not in the same turn: what weak references lead to lives at least as long
      await delay(20);
      collectGarbage();
      await expect(
        Promise.race([running, delay(3_000, 'still running', { ref: false })]),
      ).rejects.toMatchObject({ name: 'TimeoutError' });
    });

    it('a child without progress for too long is ended with its group, and one with progress is not', async () => {
      const says = (word: string): Promise<unknown> =>
        sh(`for i in $(seq 20); do echo ${word}; sleep 0.1; done`, {
          silentMs: 1_500,
          isProgress: (line) => line !== 'still',
        });
      await expect(says('done')).resolves.toMatchObject({ code: 0 });
      await expect(says('still')).rejects.toMatchObject({
        name: 'TimeoutError',
        message: 'no progress for 1500 ms',
      });
    });

    it('an abort ends the whole group and rejects with the signal’s reason', async () => {
      const file = path.join(scratchDir(), 'pid');
      const stop = new AbortController();
      const running = sh(family(file, 'wait'), { signal: stop.signal, graceMs: 50 });
      await Promise.race([until(() => readPid(file) > 0), running]);
      const reason = new Error('cancelled');
      stop.abort(reason);
      await expect(running).rejects.toBe(reason);
      expect(works(readPid(file))).toBe(false);
    });

    it('a child that ends by itself leaves nobody of its group behind', async () => {
      const file = path.join(scratchDir(), 'pid');
      const result = await sh(family(file, `while [ ! -e ${file} ]; do sleep 0.01; done; exit 3`), {
        timeoutMs: 20_000,
      });
      expect(result.code).toBe(3);
      expect(readPid(file)).toBeGreaterThan(0);
      expect(works(readPid(file))).toBe(false);
    });

    it('a child that obeys SIGINT may finish within its grace period', async () => {
      const file = path.join(scratchDir(), 'tidy');
      const stop = new AbortController();
      const running = sh(
        `trap 'sleep 0.1; echo tidy > ${file}; exit 0' INT; echo ready; while :; do sleep 0.02; done`,
        {
          signal: stop.signal,
          onLine: () => {
            stop.abort(new Error('stop'));
          },
        },
      );
      await expect(running).rejects.toThrow('stop');
      expect(readFileSync(file, 'utf8')).toBe('tidy\n');
    });

    it('an aborted signal starts no child', async () => {
      const file = path.join(scratchDir(), 'never');
      await expect(sh(`touch ${file}`, { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow(
        'too late',
      );
      expect(existsSync(file)).toBe(false);
    });
  });
});

describe('expectCommand', () => {
  it('expectCommand returns the result of a success', async () => {
    expect((await expectCommand(['echo', 'fine'])).stdout).toBe('fine\n');
  });

  it('expectCommand throws the exit code and the end of the error output', async () => {
    const thrown = (await thrownBy(() =>
      expectCommand(['sh', '-c', 'echo broken >&2; exit 7']),
    )) as CommandFailed;
    expect(thrown).toBeInstanceOf(CommandFailed);
    expect(thrown.result).toMatchObject({ code: 7, stderr: 'broken\n' });
    expect(thrown.message).toBe('sh ended with 7: broken');
  });
});

describe('endGroup', () => {
  it('endGroup returns at once if there is no such group', async () => {
    // beyond the largest process id of Linux
    await expect(endGroup(2 ** 22 + 1, 'SIGINT', 60_000)).resolves.toBeUndefined();
  });
});

describe('endProcessesIn', () => {
  it('endProcessesIn ends every process that works in the directory, whoever started it, and no other', async () => {
    const [workspace, other] = [realpathSync(scratchDir()), realpathSync(scratchDir())];
    mkdirSync(path.join(workspace, 'inner'));
    const stop = new AbortController();
    // in groups of their own, as those of a dead worker are
    const start = (cwd: string, script: string) =>
      sh(`${script} echo $$ > ${cwd}/pid; while :; do sleep 0.05; done`, {
        cwd,
        signal: stop.signal,
        graceMs: 0,
      }).catch(() => undefined);
    const running = [
      start(workspace, 'trap "" TERM;'),
      start(other, ''),
      start(path.join(workspace, 'inner'), ''),
    ];
    try {
      await until(() =>
        [workspace, other, path.join(workspace, 'inner')].every((dir) => readPid(path.join(dir, 'pid')) > 0),
      );
      // also by another name of the same directory
      const link = path.join(realpathSync(scratchDir()), 'link');
      symlinkSync(workspace, link);
      await endProcessesIn(link);
      expect(works(readPid(path.join(workspace, 'pid')))).toBe(false);
      expect(works(readPid(path.join(other, 'pid')))).toBe(true);
      expect(works(readPid(path.join(workspace, 'inner', 'pid')))).toBe(true);
    } finally {
      stop.abort();
      await Promise.all(running);
    }
  });

  it('endProcessesIn returns at once for a directory without processes, or one that does not exist', async () => {
    const dir = scratchDir();
    writeFileSync(path.join(dir, 'file'), '');
    await endProcessesIn(dir);
    await endProcessesIn(path.join(dir, 'none'));
  });
});

describe('what a program says', () => {
  it.each(['', ' >&2'])('a child with too much output is ended early (%s)', async (to) => {
    const begun = performance.now();
    const options = { maxOutputBytes: 100_000, graceMs: 200 };
    await expect(sh(`yes garbage${to}`, options)).rejects.toBeInstanceOf(OutputTooLarge);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('output up to the limit is returned whole', async () => {
    const { stdout } = await sh('head -c 100000 /dev/zero', { maxOutputBytes: 100_000 });
    expect(stdout).toHaveLength(100_000);
  });
});
