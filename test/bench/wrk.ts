/** Load by wrk: its figures come from a few lines of Lua, exactly, and not from what it prints for people. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Each request carries the next one. @default none */
  readonly tokens?: readonly string[];
  /** What each client waits between an answer and its next request, half of it to one and a half. @default 0 */
  readonly pauseMs?: number;
  readonly host?: string;
}

export interface Measured {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** @throws {Error} when any answer was no 2xx, or none came: such figures would be those of something else */
export async function wrk(dir: string, load: Load): Promise<Measured> {
  const script = path.join(dir, 'load.lua');
  writeFileSync(script, lua(load));
  const { stdout } = await run('wrk', [
    ...['-t', '1', '-c', String(load.connections), '-d', `${load.seconds}s`, '--timeout', '10s'],
    ...['-s', script, load.url],
  ]);
  const found = /^figures (.*)$/m.exec(stdout)?.[1]?.split(' ').map(Number) ?? [];
  const [requests = 0, microseconds = 0, p50 = NaN, p99 = NaN, failures = NaN] = found;
  if (requests === 0 || failures !== 0)
    throw new Error(`${load.url}: ${requests} requests, ${failures} failures\n${stdout}`);
  return { requestsPerSecond: requests / (microseconds / 1e6), p50Ms: p50 / 1000, p99Ms: p99 / 1000 };
}

function lua({ tokens = [], pauseMs = 0, host }: Load): string {
  return [
    `local tokens = {${tokens.map((token) => `"${token}"`).join(',')}}`,
    'local at = 0',
    ...(host === undefined ? [] : [`wrk.headers["Host"] = "${host}"`]),
    ...(tokens.length === 0
      ? []
      : [
          'function request()',
          '  at = at % #tokens + 1',
          '  wrk.headers["Authorization"] = "Bearer " .. tokens[at]',
          '  return wrk.format()',
          'end',
        ]),
    ...(pauseMs === 0 ? [] : [`function delay() return math.random(${pauseMs / 2}, ${pauseMs * 1.5}) end`]),
    'function done(summary, latency)',
    '  local e = summary.errors',
    '  io.write(string.format("figures %d %d %d %d %d\\n", summary.requests, summary.duration,',
    '    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))',
    'end',
    '',
  ].join('\n');
}
