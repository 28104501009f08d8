/**
 * Reads an archive without trusting it: only names we know, sizes that fit, and nothing is used before every
 * checksum was found right. Nothing is ever unpacked to the disk.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { EngineError } from '../base/errors';
import { countRows } from './count-rows';
import { damaged, isKnownName, type Manifest, names, parseManifest, refused } from './manifest';
import { blockSize, endOfArchive, padding, parseTarHeader, type TarEntry } from '../base/tar';

export interface Archive {
  /** Bytes of the whole file. */
  readonly size: number;
  /** In their order. */
  readonly entries: readonly (TarEntry & { readonly start: number })[];
  /** The bytes of an entry. @throws {EngineError} validation_failed when there is none */
  bytes(name: string): AsyncIterable<Buffer>;
  /** Everything that the checksum at the end is over. */
  sealed(): AsyncIterable<Buffer>;
}

const maxEntries = 1_000;
/** Manifest and Nginx view are read as a whole. */
const maxText = 16 * 1024 ** 2;
const chunkSize = 256 * 1024;

/**
 * Opens a backup, checks every checksum in it, and gives it to `body`.
 *
 * @throws {EngineError} validation_failed: no such file, no backup, damaged, or of a newer version
 */
export async function withBackup<T>(
  file: string,
  body: (backup: { archive: Archive; manifest: Manifest }) => Promise<T>,
): Promise<T> {
  const handle = await open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw refused(`The backup cannot be read (${cause.code ?? 'unknown'})`, cause);
  });
  try {
    const archive = await readEntries(handle);
    return await body({ archive, manifest: await verify(archive) });
  } finally {
    await handle.close();
  }
}

/** What a file holds from one place on, in pieces. */
export async function* fileChunks(handle: FileHandle, start: number, size: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < size;) {
    const piece = Buffer.alloc(Math.min(chunkSize, size - done));
    const { bytesRead } = await handle.read(piece, 0, piece.length, start + done);
    if (bytesRead === 0) throw damaged('its end');
    yield piece.subarray(0, bytesRead);
    done += bytesRead;
  }
}

/** The rows of a table, in COPY's text format; more than the manifest tells of are not read. */
export async function* tableRows(
  archive: Archive,
  table: Manifest['tables'][number],
): AsyncGenerator<Buffer> {
  let bytes = 0;
  const unpacked = createGunzip();
  const unpacking = pipeline(archive.bytes(names.table(table.name)), unpacked).catch(() => undefined);
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > table.bytes) throw damaged(`table ${table.name}`);
      yield chunk;
    }
  } catch (thrown) {
    throw thrown instanceof EngineError ? thrown : damaged(`table ${table.name}`, thrown);
  } finally {
    unpacked.destroy();
    await unpacking;
  }
  if (bytes !== table.bytes) throw damaged(`table ${table.name}`);
}

export async function readText(archive: Archive, name: string): Promise<Buffer> {
  const size = archive.entries.find((entry) => entry.name === name)?.size ?? 0;
  if (size > maxText) throw damaged(name);
  const pieces: Buffer[] = [];
  for await (const piece of archive.bytes(name)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function readEntries(handle: FileHandle): Promise<Archive> {
  const found = await handle.stat();
  if (!found.isFile()) throw refused('This is not a backup of vm-webhoster');
  const { size } = found;
  const entries: Archive['entries'][number][] = [];
  let at = 0;
  while (entries.at(-1)?.name !== names.checksum) {
    const entry = parseHeader(await block(handle, at), at);
    const start = at + blockSize;
    if (entries.length === maxEntries || entries.some(({ name }) => name === entry.name))
      throw damaged('its list');
    if (!isKnownName(entry.name)) throw damaged('its list');
    if (start + entry.size > size) throw damaged('its end');
    entries.push({ ...entry, start });
    at = start + entry.size + padding(entry.size);
  }
  const last = entries.at(-1)?.size ?? 0;
  const end = Buffer.alloc(padding(last) + endOfArchive.length);
  const from = at - padding(last);
  if (size - from !== end.length || !(await block(handle, from, end.length)).equals(end))
    throw damaged('its end');
  return {
    size,
    entries,
    bytes: (name) => {
      const entry = entries.find((each) => each.name === name);
      if (entry === undefined) throw damaged(name);
      return fileChunks(handle, entry.start, entry.size);
    },
    sealed: () => fileChunks(handle, 0, (entries.at(-1)?.start ?? 0) - blockSize),
  };
}

async function block(handle: FileHandle, at: number, size = blockSize): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of fileChunks(handle, at, size)) pieces.push(piece);
  return Buffer.concat(pieces);
}

function parseHeader(header: Buffer, at: number): TarEntry {
  try {
    return parseTarHeader(header);
  } catch (cause) {
    throw at === 0 ? refused('This is not a backup of vm-webhoster', cause) : damaged('its list', cause);
  }
}

async function verify(archive: Archive): Promise<Manifest> {
  const manifest = parseManifest(await readText(archive, names.manifest));
  verifyList(archive, manifest);
  for (const part of manifest.parts)
    if ((await sha256(archive.bytes(part.name))) !== part.sha256) throw damaged(part.name);
  for (const table of manifest.tables) {
    const counted = countRows();
    for await (const chunk of tableRows(archive, table)) counted.add(chunk);
    if (counted.rows !== table.rows) throw damaged(`table ${table.name}`);
  }
  // what the checks above do not see: headers, and what lies between the entries
  const whole = await readText(archive, names.checksum);
  if (`${await sha256(archive.sealed())}\n` !== whole.toString('latin1')) throw damaged('its checksum');
  return manifest;
}

/** The archive must hold exactly what the manifest tells of, and the manifest must tell of everything needed. */
function verifyList({ entries }: Archive, { parts, tables }: Manifest): void {
  const found = entries.map(({ name, size }) => `${name} ${size}`).slice(0, -2);
  const told = parts.map(({ name, bytes }) => `${name} ${bytes}`);
  const needed = [names.routes, ...tables.map(({ name }) => names.table(name))];
  const complete = needed.every((name) => parts.some((part) => part.name === name));
  if (entries.at(-2)?.name !== names.manifest || found.join() !== told.join() || !complete)
    throw damaged('its list');
}

async function sha256(content: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return hash.digest('hex');
}
