/** Steps of the scripts that run side by side: what comes after what, what a failure stops, and that two starts are one. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../../engine/base/project';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-steps-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

interface Ran {
  readonly code: number;
  readonly output: string;
}

/** Each step writes its name into `$DIR/log` when it begins and when it ends. */
function steps(script: string, env: Record<string, string> = {}): Promise<Ran> {
  const text = [
    '. scripts/lib/steps.sh; . scripts/lib/side-by-side.sh',
    'log() { echo "$*" >>"$DIR/log"; }',
    script,
  ].join('\n');
  return new Promise((resolve) => {
    const child = execFile(
      'bash',
      // what it reads from is a socket, which bash takes for a login from elsewhere
      ['--norc', '-c', text],
      { cwd: projectRoot, env: { PATH: process.env.PATH, DIR: dir, WEBHOSTER_LOCK: `${dir}/lock`, ...env } },
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
      },
    );
  });
}

function logged(): string[] {
  return readFileSync(path.join(dir, 'log'), 'utf8').trim().split('\n');
}

it('begins at once what waits for nothing, and the rest when what it comes after is done', async () => {
  const { code, output } = await steps(`
    need_one() { return 0; }; do_one() { log one; until grep -q two "$DIR/log"; do sleep 0.02; done; log one ended; }
    need_two() { return 0; }; do_two() { log two; }
    need_ready() { return 1; }
    need_last() { return 0; }; do_last() { log last; }
    side_by_side last "Last" one ready
    side_by_side one "One"
    side_by_side two "Two"
    side_by_side ready "Ready" two
    STEPS=4; run_steps; echo went on`);
  expect([code, output]).toEqual([0, expect.stringMatching(/Last +done {2}\d+\.\d s\nwent on\n$/)]);
  expect(output).toMatch(/Ready +ready\n/);
  // the first two in any order
  expect(logged().slice(2)).toEqual(['one ended', 'last']);
});

it('ends at the first command of a step that fails, shows what it said, stops the others and begins no more', async () => {
  const { code, output } = await steps(`
    need_bad() { return 0; }; do_bad() { until grep -q long "$DIR/log"; do sleep 0.02; done; echo the reason; false; log went on; }
    need_long() { return 0; }; do_long() { log long; sleep 60; log long ended; }
    need_packages() { return 0; }; do_packages() { until grep -q long "$DIR/log"; do sleep 0.02; done; sleep 0.3; log packages ended; }
    need_after() { return 0; }; do_after() { log after; }
    side_by_side bad "Bad"
    side_by_side long "Long"
    side_by_side packages "Packages"
    side_by_side after "After" bad
    STEPS=4; run_steps; echo went on`);
  expect(code).toBe(1);
  expect(output).toMatch(/Bad +failed after/);
  expect(output).toContain('the reason');
  expect(output).not.toContain('went on');
  // what would be left half-way is not cut off
  expect(logged()).toEqual(['long', 'packages ended']);
});

it('lets one at a time set a machine up, and a daemon that it starts does not keep the other out', async () => {
  const start = `
    need_set_up() { return 0; }
    do_set_up() { log begin; sleep 0.3; log end; setsid sleep 5 >/dev/null 2>&1 & echo $! >>"$DIR/daemons"; }
    one_at_a_time; side_by_side set_up "Set up"; STEPS=1; run_steps`;
  const both = await Promise.all([steps(start), steps(start)]);
  for (const pid of readFileSync(path.join(dir, 'daemons'), 'utf8').trim().split('\n'))
    process.kill(Number(pid));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(
    both.filter(({ output }) => /is already setting up this machine: waiting/.test(output)),
  ).toHaveLength(1);
  expect(logged()).toEqual(['begin', 'end', 'begin', 'end']);
});
