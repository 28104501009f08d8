/**
 * Rotates a log that this or another program holds open: its content is compressed to a file next to it, and the log is
 * truncated in place. Its writers append, so they continue at its new end and need no signal. Needs no cron or logrotate.
 */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
} from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ignoreMissing } from './files';

export interface Rotation {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** How many compressed logs are kept. */
  readonly keep: number;
}

/** A rotation that has not ended by now was cut off. */
const patienceMs = 600_000;
const dayMs = 86_400_000;

/**
 * Compresses the log to `NAME-20261231T235959Z.gz` if it is large or old enough, and deletes the oldest ones beyond `keep`.
 * Nothing that this process writes is lost; of other processes, what they write while the last kilobytes are read.
 *
 * @returns whether it rotated; false too if there is no such file, or another process is rotating it
 */
export async function rotateLog(file: string, now: Date, rotation: Rotation): Promise<boolean> {
  const there = await stat(file).catch(ignoreMissing);
  if (there === null || there.size === 0) return false;
  const packed = await packedOf(file);
  const begun = packed.at(-1)?.at ?? there.birthtime;
  const isOld = now.getTime() - begun.getTime() >= rotation.maxAgeMs;
  if (there.size < rotation.maxBytes && !isOld) return false;
  if (!(await pack(file, there.size, `${file}-${stamp(now)}.gz`))) return false;
  for (const { name } of packed.slice(0, Math.max(0, packed.length + 1 - rotation.keep)))
    await rm(path.join(path.dirname(file), name), { force: true });
  return true;
}

export function rotationOf(config: {
  readonly LOG_ROTATE_MIB: number;
  readonly LOG_ROTATE_DAYS: number;
  readonly LOG_KEEP_FILES: number;
}): Rotation {
  return {
    maxBytes: config.LOG_ROTATE_MIB * 1024 ** 2,
    maxAgeMs: config.LOG_ROTATE_DAYS * dayMs,
    keep: config.LOG_KEEP_FILES,
  };
}

/** @returns false when another process is at it */
async function pack(file: string, size: number, target: string): Promise<boolean> {
  const unfinished = `${file}.rotating`;
  const other = await stat(unfinished).catch(ignoreMissing);
  if (other !== null) {
    // a time to come was written before the clock was set back
    if (Math.abs(Date.now() - other.mtimeMs) > patienceMs) await rm(unfinished, { force: true });
    return false;
  }
  try {
    await pipeline(
      contentOf(file, size),
      createGzip(),
      createWriteStream(unfinished, { flags: 'wx', mode: 0o600 }),
    );
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    await rm(unfinished, { force: true });
    throw thrown;
  }
  await rename(unfinished, target);
  return true;
}

async function* contentOf(file: string, size: number): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(file, { end: size - 1 })) yield chunk as Buffer;
  yield takeRest(file, size);
}

/** What came since, and the file is empty. In one go: this process writes nothing in between. */
function takeRest(file: string, from: number): Buffer {
  const fd = openSync(file, 'r+');
  try {
    const rest = Buffer.alloc(Math.max(0, fstatSync(fd).size - from));
    const read = readSync(fd, rest, 0, rest.length, from);
    ftruncateSync(fd, 0);
    return rest.subarray(0, read);
  } finally {
    closeSync(fd);
  }
}

/** Oldest first. */
async function packedOf(file: string): Promise<{ name: string; at: Date }[]> {
  const prefix = `${path.basename(file)}-`;
  const names = (await readdir(path.dirname(file))).filter((name) => name.startsWith(prefix)).sort();
  return names.flatMap((name) => {
    const [, ...parts] = /-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.gz$/.exec(name) ?? [];
    const [year, month, day, hour, minute, second] = parts;
    return second === undefined
      ? []
      : [{ name, at: new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) }];
  });
}

function stamp(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d+/g, '');
}
