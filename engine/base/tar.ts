/**
 * The headers of a ustar archive, one block of 512 bytes before each entry. Ours, not a library's: the size of an
 * entry is filled in after its bytes went by, entries are read in any order, and only plain files with
 * known names are accepted; an archive with anything else is not one of ours.
 */

export const blockSize = 512;

export interface TarEntry {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** The owner that the file gets when root unpacks it. */
export interface Ownership {
  readonly mode: number;
  /** The user and group of this name; if it is empty or does not exist, those of this number. */
  readonly owner: { readonly name: string; readonly id: number };
}

const rootsOwn: Ownership = { mode: 0o600, owner: { name: '', id: 0 } };

/** The number of bytes that fill the last block of an entry. */
export function padding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

/** Two empty blocks end an archive. */
export const endOfArchive = Buffer.alloc(2 * blockSize);

/** @param name  at most 100 bytes of ASCII; a directory's ends in `/`. @param mtime  seconds since 1970 */
export function tarHeader(
  { name, size }: TarEntry,
  mtime: number,
  { mode, owner }: Ownership = rootsOwn,
): Buffer {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new Error('no name for an entry of a tar archive');
  const header = Buffer.alloc(blockSize);
  header.write(name, 0, 'latin1');
  header.write(`${octal(mode, 7)}\0`, 100, 'latin1');
  for (const at of [108, 116]) header.write(`${octal(owner.id, 7)}\0`, at, 'latin1');
  sizeField(size).copy(header, 124);
  header.write(`${octal(mtime, 11)}\0`, 136, 'latin1');
  header.write(name.endsWith('/') ? '5' : '0', 156, 'latin1');
  header.write('ustar\0' + '00', 257, 'latin1');
  for (const at of [265, 297]) header.write(owner.name, at, 'latin1');
  header.write(checksum(header), 148, 'latin1');
  return header;
}

/** @throws {Error} if the block is not the header of a plain file */
export function parseTarHeader(block: Buffer): TarEntry {
  const text = (from: number, length: number): string =>
    block
      .subarray(from, from + length)
      .toString('latin1')
      .replace(/\0.*$/s, '');
  if (block.length !== blockSize || text(257, 5) !== 'ustar') throw new Error('no ustar header');
  if (block.subarray(148, 156).toString('latin1') !== checksum(block))
    throw new Error('wrong checksum of a header');
  // type 0 is a plain file; a prefix would make the name a longer one
  if (text(156, 1) !== '0' || text(345, 155) !== '') throw new Error('not a plain file');
  return { name: text(0, 100), size: parseSize(block.subarray(124, 136)) };
}

/** Octal up to 8 GiB; above, the big-endian number that GNU tar writes, marked by the first bit. */
function sizeField(size: number): Buffer {
  if (size < 8 ** 11) return Buffer.from(`${octal(size, 11)}\0`, 'latin1');
  const field = Buffer.alloc(12);
  field.writeBigUInt64BE(BigInt(size), 4);
  field[0] = 0x80;
  return field;
}

function parseSize(field: Buffer): number {
  const octalText = field.toString('latin1').replace(/\0.*$/s, '');
  const size =
    field[0] === 0x80
      ? Number(field.readBigUInt64BE(4))
      : /^[0-7]+$/.test(octalText)
        ? parseInt(octalText, 8)
        : NaN;
  if (!Number.isSafeInteger(size)) throw new Error('no size');
  return size;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** The sum of all bytes, its own eight counted as spaces, as the field has it. */
function checksum(header: Buffer): string {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return `${octal(sum, 6)}\0 `;
}
