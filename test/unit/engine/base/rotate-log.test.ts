import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Rotation, rotateLog } from '../../../../engine/base/rotate-log';

let dir: string;
let file: string;
const now = new Date();
const at = (hours: number): Date => new Date(now.getTime() + hours * 3_600_000);
const rotation: Rotation = { maxBytes: 1_000, maxAgeMs: 24 * 3_600_000, keep: 2 };
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-rotate-'));
  file = path.join(dir, 'api.log');
});
afterEach(() => rmSync(dir, { recursive: true }));

const packed = (): string[] =>
  readdirSync(dir)
    .filter((name) => name !== 'api.log')
    .sort();
const unpacked = (name: string): string => gunzipSync(readFileSync(path.join(dir, name))).toString();

it('a log that is small and recent, empty or missing is not rotated', async () => {
  expect(await rotateLog(file, now, rotation)).toBe(false);
  writeFileSync(file, '');
  expect(await rotateLog(file, at(100), rotation)).toBe(false);
  writeFileSync(file, 'x'.repeat(999));
  expect(await rotateLog(file, now, rotation)).toBe(false);
  expect(packed()).toEqual([]);
});

it('a large log is compressed, and a process that holds it open continues at its new end', async () => {
  const writer = openSync(file, 'a');
  writeSync(writer, 'a line\n'.repeat(200));
  expect(await rotateLog(file, now, rotation)).toBe(true);
  writeSync(writer, 'after\n');
  closeSync(writer);
  expect(readFileSync(file, 'utf8')).toBe('after\n');
  const [name = ''] = packed();
  expect(name).toMatch(/^api\.log-\d{8}T\d{6}Z\.gz$/);
  expect(unpacked(name)).toBe('a line\n'.repeat(200));
  expect(statSync(path.join(dir, name)).mode & 0o777).toBe(0o600);
});

it('an old log is compressed, its age counted from its last rotation', async () => {
  writeFileSync(file, 'first');
  expect(await rotateLog(file, at(23), rotation)).toBe(false);
  expect(await rotateLog(file, at(25), rotation)).toBe(true);
  appendFileSync(file, 'second');
  expect(await rotateLog(file, at(48), rotation)).toBe(false);
  expect(await rotateLog(file, at(50), rotation)).toBe(true);
  expect(packed().map(unpacked)).toEqual(['first', 'second']);
});

it('only a limited number of rotated logs stays, and other files are not touched', async () => {
  writeFileSync(path.join(dir, 'api.log-notes'), 'mine');
  for (let day = 1; day <= 5; day += 1) {
    writeFileSync(file, `day ${day}`);
    await rotateLog(file, at(day * 25), rotation);
  }
  const kept = packed().filter((name) => name.endsWith('.gz'));
  expect(kept.map(unpacked)).toEqual(['day 4', 'day 5']);
  expect(packed()).toContain('api.log-notes');
});

it('a rotation loses nothing that this process writes meanwhile', async () => {
  const lines = (count: number, from = 0): string =>
    Array.from({ length: count }, (_, index) => `line ${from + index}\n`).join('');
  writeFileSync(file, lines(50_000));
  const rotating = rotateLog(file, now, rotation);
  for (let index = 50_000; index < 50_200; index += 1) {
    appendFileSync(file, lines(1, index));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await rotating;
  expect(packed().map(unpacked).join('') + readFileSync(file, 'utf8')).toBe(lines(50_200));
});

it('one of two processes rotates a log, and completes what another left unfinished', async () => {
  writeFileSync(file, 'x'.repeat(1_000));
  const both = await Promise.all([rotateLog(file, now, rotation), rotateLog(file, now, rotation)]);
  expect(both.filter(Boolean)).toHaveLength(1);
  expect(packed()).toHaveLength(1);
  writeFileSync(file, 'y'.repeat(1_000));
  const unfinished = `${file}.rotating`;
  writeFileSync(unfinished, 'half');
  expect(await rotateLog(file, at(1), rotation)).toBe(false);
  utimesSync(unfinished, at(-1), at(-1));
  expect(await rotateLog(file, at(1), rotation)).toBe(false);
  expect(await rotateLog(file, at(1), rotation)).toBe(true);
});
