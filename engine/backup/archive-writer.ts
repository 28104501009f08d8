/**
 * Writes the archive: under another name first, so that FILE is either a whole backup or what it was before. Entries
 * go straight to the disk; their sizes are filled in afterwards.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../base/errors';
import { ignoreMissing } from '../base/files';
import { fileChunks } from './archive-reader';
import { names, type Part, refused } from './manifest';
import { endOfArchive, padding, tarHeader } from '../base/tar';

export interface ArchiveWriter {
  /** Appends one entry. One at a time. */
  add(name: string, content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Part>;
}

export interface WriteOptions {
  /** What becomes of a file that is there. */
  readonly existing: 'refuse' | 'replace';
  /** Seconds since 1970, for the entries. */
  readonly mtime: number;
}

/**
 * Gives `body` an archive to fill, seals it with a checksum over all of it, and puts it in its place: mode 0600, on
 * the disk before it has its name.
 *
 * @returns what `body` returned, and the size of the file in bytes
 * @throws {EngineError} validation_failed when something is in its place; internal, disk_full when it cannot be written
 */
export async function writeArchive<T>(
  file: string,
  { existing, mtime }: WriteOptions,
  body: (archive: ArchiveWriter) => Promise<T>,
): Promise<{ result: T; bytes: number }> {
  await assertPlace(file, existing);
  const draft = `${file}.writing-${randomBytes(4).toString('hex')}`;
  try {
    const handle = await open(draft, 'wx+', 0o600);
    let filled: { result: T; bytes: number };
    try {
      filled = await fill(handle, mtime, body);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await assertPlace(file, existing);
    await rename(draft, file);
    await syncDirectory(path.dirname(file));
    return filled;
  } catch (thrown) {
    await rm(draft, { force: true });
    throw writeFailure(thrown);
  }
}

async function fill<T>(
  handle: FileHandle,
  mtime: number,
  body: (archive: ArchiveWriter) => Promise<T>,
): Promise<{ result: T; bytes: number }> {
  let end = 0;
  const write = async (bytes: Buffer, at: number): Promise<void> => {
    for (let done = 0; done < bytes.length;)
      done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  };
  const add: ArchiveWriter['add'] = async (name, content) => {
    const start = end;
    const sha256 = createHash('sha256');
    end += tarHeader({ name, size: 0 }, mtime).length;
    let bytes = 0;
    for await (const chunk of content) {
      sha256.update(chunk);
      await write(chunk, end + bytes);
      bytes += chunk.length;
    }
    await write(tarHeader({ name, size: bytes }, mtime), start);
    await write(Buffer.alloc(padding(bytes)), end + bytes);
    end += bytes + padding(bytes);
    return { name, bytes, sha256: sha256.digest('hex') };
  };
  const result = await body({ add });
  const whole = createHash('sha256');
  for await (const chunk of fileChunks(handle, 0, end)) whole.update(chunk);
  await add(names.checksum, [Buffer.from(`${whole.digest('hex')}\n`)]);
  await write(endOfArchive, end);
  return { result, bytes: end + endOfArchive.length };
}

/** A device or a directory is never replaced. */
async function assertPlace(file: string, existing: WriteOptions['existing']): Promise<void> {
  const found = await lstat(file).catch(ignoreMissing);
  if (found === null) return;
  if (!found.isFile())
    throw refused('The backup must be a regular file, but something else exists at this path');
  if (existing === 'refuse')
    throw refused('The file exists; choose another name, or use --force to replace it');
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The disk's own words have a path in them; the code says enough. */
function writeFailure(thrown: unknown): unknown {
  const { code, syscall } = thrown as NodeJS.ErrnoException;
  if (thrown instanceof EngineError || typeof syscall !== 'string') return thrown;
  if (!['open', 'write', 'rename', 'fsync', 'close', 'lstat'].includes(syscall)) return thrown;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new EngineError('disk_full', 'There is not enough disk space for the backup; nothing was written', {
        cause: thrown,
      })
    : new EngineError('internal', `The backup cannot be written to this path (${code ?? 'unknown'})`, {
        cause: thrown,
      });
}
