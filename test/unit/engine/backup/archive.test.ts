/** The file of a backup: how it is written, and what is refused when it is read. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { open, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { readText, tableRows, withBackup } from '../../../../engine/backup/archive-reader';
import { type ArchiveWriter, writeArchive } from '../../../../engine/backup/archive-writer';
import { format, type Manifest, names, type Part } from '../../../../engine/backup/manifest';
import { verifyBackup } from '../../../../engine/backup/summary';
import { parseTarHeader, tarHeader } from '../../../../engine/base/tar';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-backup-'));
  file = path.join(dir, 'good.backup');
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const rows = Buffer.from('1\tmina@example.org\n2\tJörg \\n of two lines\n');

function manifestOf(parts: Part[], change: Partial<Manifest> = {}): Manifest {
  return {
    product: 'vm-webhoster',
    format,
    version: '1.2.3',
    madeAt: '2026-01-02T03:04:05.678901Z',
    migrations: ['Initial1'],
    keys: { STATE_KEY: '0'.repeat(16), JWT_SECRET: 'f'.repeat(16) },
    tables: [{ name: 'users', columns: ['id', 'email'], rows: 2, bytes: rows.length }],
    sequences: [{ name: 'users_id_seq', lastValue: '2', called: true }],
    parts,
    ...change,
  };
}

/** A backup as it should be, or with something else in it. */
async function write(
  target = file,
  {
    manifest = (parts: Part[]): unknown => manifestOf(parts),
    table = gzipSync(rows),
    more = () => Promise.resolve([]),
  }: {
    manifest?: (parts: Part[]) => unknown;
    table?: Buffer;
    /** Entries that the manifest tells of are returned. */
    more?: (archive: ArchiveWriter) => Promise<Part[]>;
  } = {},
): Promise<void> {
  await writeArchive(target, { existing: 'refuse', mtime: 1_767_323_045 }, async (archive) => {
    const parts = [
      await archive.add(names.table('users'), [table]),
      await archive.add(names.routes, [Buffer.from('[]\n')]),
    ];
    parts.push(...(await more(archive)));
    await archive.add(names.manifest, [Buffer.from(JSON.stringify(manifest(parts)))]);
  });
}

const refusal = (message: RegExp) =>
  expect.objectContaining({
    name: 'EngineError',
    code: 'validation_failed',
    message: expect.stringMatching(message),
  });

it('an archive can be read back, and by tar', async () => {
  await write();
  await withBackup(file, async ({ archive, manifest }) => {
    const read: Buffer[] = [];
    for await (const chunk of tableRows(archive, manifest.tables[0]!)) read.push(chunk);
    expect(Buffer.concat(read)).toEqual(rows);
    expect((await readText(archive, names.routes)).toString()).toBe('[]\n');
  });
  expect(await verifyBackup(file)).toMatchObject({
    version: '1.2.3',
    madeAt: new Date('2026-01-02T03:04:05.678Z'),
    bytes: statSync(file).size,
    tables: [{ name: 'users', rows: 2 }],
    rows: 2,
  });
  const listed = execFileSync('tar', ['tvf', file], {
    env: { PATH: process.env.PATH, TZ: 'UTC' },
  }).toString();
  expect(listed.split('\n').map((line) => line.split(/\s+/).at(-1))).toEqual([
    'tables/users.copy.gz',
    'nginx/routes.json',
    'manifest.json',
    'SHA256',
    '',
  ]);
  expect(listed).toContain('-rw------- 0/0');
  expect(listed).toContain('2026-01-02 03:04');
  const unpacked = execFileSync('sh', ['-c', `tar xOf '${file}' tables/users.copy.gz | gunzip`]);
  expect(unpacked).toEqual(rows);
});

it('only its owner can read an archive, whatever the umask', async () => {
  const before = process.umask(0);
  await write().finally(() => process.umask(before));
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('an archive exists as a whole or not at all', async () => {
  const failing = write(file, { more: () => Promise.reject(new Error('in the middle')) });
  await expect(failing).rejects.toThrow('in the middle');
  expect(readdirSync(dir)).toEqual([]);
});

it('an archive does not overwrite an existing file unless it may', async () => {
  await write();
  const before = readFileSync(file);
  await expect(write()).rejects.toEqual(refusal(/The file exists/));
  expect(readFileSync(file)).toEqual(before);
  await writeArchive(file, { existing: 'replace', mtime: 0 }, (archive) => archive.add(names.routes, []));
  expect(readFileSync(file)).not.toEqual(before);
  expect(readdirSync(dir)).toEqual(['good.backup']);
});

it.each([
  ['a directory', (place: string) => mkdirSync(place)],
  ['a device', (place: string) => execFileSync('mknod', [place, 'c', '1', '3'])],
  ['a symbolic link', (place: string) => symlinkSync('/dev/null', place)],
])('an archive never replaces %s', async (_, make) => {
  make(file);
  const writing = writeArchive(file, { existing: 'replace', mtime: 0 }, () => Promise.resolve());
  await expect(writing).rejects.toEqual(refusal(/something else exists at this path/));
  expect(existsSync('/dev/null')).toBe(true);
});

it('a full disk and a missing directory are reported by name', async () => {
  const writing = writeArchive(path.join(dir, 'no/file'), { existing: 'refuse', mtime: 0 }, () =>
    Promise.resolve(),
  );
  await expect(writing).rejects.toMatchObject({
    code: 'internal',
    message: 'The backup cannot be written to this path (ENOENT)',
  });
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
  await expect(write(file, { more: () => Promise.reject(full) })).rejects.toMatchObject({
    code: 'disk_full',
  });
});

it('an archive is refused when any single byte differs', async () => {
  await write();
  const { size } = statSync(file);
  const handle = await open(file, 'r+');
  const byte = Buffer.alloc(1);
  const accepted: number[] = [];
  for (let at = 0; at < size; at++) {
    await handle.read(byte, 0, 1, at);
    const flipped = Buffer.from([byte[0]! ^ (1 << (at % 8))]);
    await handle.write(flipped, 0, 1, at);
    await verifyBackup(file).then(
      () => accepted.push(at),
      (error: unknown) => {
        expect(error).toEqual(refusal(/./));
      },
    );
    await handle.write(byte, 0, 1, at);
  }
  await handle.close();
  expect(accepted).toEqual([]);
  await verifyBackup(file);
  // thousands of times
}, 60_000);

it('an archive is refused at any length but its own', async () => {
  await write();
  const whole = readFileSync(file);
  const lengths = [0, 1, 511, 512, 513, ...Array.from({ length: whole.length / 512 }, (_, n) => n * 512)];
  for (const length of [...lengths, whole.length - 1]) {
    await truncate(file, length);
    await expect(verifyBackup(file)).rejects.toEqual(refusal(/./));
    await writeFile(file, whole);
  }
  await writeFile(file, Buffer.concat([whole, Buffer.alloc(512)]));
  await expect(verifyBackup(file)).rejects.toEqual(refusal(/damaged: its end/));
});

it.each<[string, (parts: Part[]) => unknown, RegExp]>([
  [
    'of a newer format',
    () => ({ product: 'vm-webhoster', format: format + 1, version: '9.9.9' }),
    /newer version \(9\.9\.9\)/,
  ],
  [
    'that names its version strangely',
    () => ({ product: 'vm-webhoster', format: 99, version: '\u001b[2J' }),
    /newer version \(unknown\)/,
  ],
  ['of another product', () => ({ product: 'something' }), /not a backup of vm-webhoster/],
  ['whose manifest is no object', () => null, /not a backup of vm-webhoster/],
  ['whose manifest lacks a part', (parts) => manifestOf(parts.slice(1)), /its list/],
  [
    'whose manifest names a part that is not there',
    (parts) => manifestOf([...parts, { ...parts[0]!, name: names.nginx }]),
    /its list/,
  ],
  [
    'whose manifest has another checksum',
    (parts) => manifestOf([{ ...parts[0]!, sha256: '0'.repeat(64) }, parts[1]!]),
    /tables\/users/,
  ],
  [
    'whose table is longer than told',
    (parts) => manifestOf(parts, { tables: [{ name: 'users', columns: ['id'], rows: 2, bytes: 3 }] }),
    /table users/,
  ],
  [
    'whose table is shorter than told',
    (parts) => manifestOf(parts, { tables: [{ name: 'users', columns: ['id'], rows: 2, bytes: 999 }] }),
    /table users/,
  ],
  [
    'whose table has other rows than told',
    (parts) =>
      manifestOf(parts, { tables: [{ name: 'users', columns: ['id'], rows: 3, bytes: rows.length }] }),
    /table users/,
  ],
  [
    'with a table of a strange name',
    (parts) =>
      manifestOf(parts, { tables: [{ name: 'users"; --', columns: [], rows: 2, bytes: rows.length }] }),
    /its manifest/,
  ],
])('an archive is refused when it is one %s', async (_, manifest, message) => {
  await write(file, { manifest });
  await expect(verifyBackup(file)).rejects.toEqual(refusal(message));
});

it('unpacking stops when a table grows beyond its size in the manifest', async () => {
  const packed = gzipSync(Buffer.alloc(64 * 1024 ** 2));
  const archive = {
    size: 0,
    entries: [],
    bytes: () => Readable.from([packed]),
    sealed: () => Readable.from([]),
  };
  let read = 0;
  const reading = (async () => {
    for await (const chunk of tableRows(archive, { name: 'users', columns: [], rows: 1, bytes: 100_000 }))
      read += chunk.length;
  })();
  await expect(reading).rejects.toEqual(refusal(/table users/));
  expect(read).toBeLessThanOrEqual(100_000);
});

it('an archive is refused when a table is not compressed correctly', async () => {
  await write(file, { table: Buffer.from('no gzip') });
  await expect(verifyBackup(file)).rejects.toEqual(refusal(/table users/));
});

it.each(['../../etc/cron.d/x', '/etc/passwd', 'tables/../../x.copy.gz', 'tables/Users.copy.gz', 'evil'])(
  'an archive is refused with an entry named %s',
  async (name) => {
    // though its manifest tells of it
    await write(file, { more: async (archive) => [await archive.add(name, [Buffer.from('x')])] });
    await expect(verifyBackup(file)).rejects.toEqual(refusal(/its list/));
  },
);

it('an archive is refused with a duplicate entry, and with one that its manifest does not list', async () => {
  await write(file, { more: async (archive) => [await archive.add(names.routes, [])] });
  await expect(verifyBackup(file)).rejects.toEqual(refusal(/its list/));
  rmSync(file);
  await write(file, { more: (archive) => archive.add(names.nginx, []).then(() => []) });
  await expect(verifyBackup(file)).rejects.toEqual(refusal(/its list/));
});

it.each([
  ['is not there', () => undefined, /cannot be read \(ENOENT\)/],
  ['is a directory', () => mkdirSync(file), /./],
  ['is empty', () => execFileSync('touch', [file]), /./],
  ['is something else', () => execFileSync('cp', ['/bin/sh', file]), /not a backup of vm-webhoster/],
  [
    'is any tar archive',
    () => execFileSync('tar', ['cf', file, '-C', '/etc', 'hostname']),
    /its list|not a backup/,
  ],
])('an archive is refused when it %s', async (_, make, message) => {
  make();
  await expect(verifyBackup(file)).rejects.toEqual(refusal(message));
});

describe('a tar header', () => {
  it.each([0, 1, 511, 8 ** 11 - 1, 8 ** 11, 2 ** 40])('a tar header keeps a size of %d', (size) => {
    expect(parseTarHeader(tarHeader({ name: 'tables/a.copy.gz', size }, 1))).toEqual({
      name: 'tables/a.copy.gz',
      size,
    });
  });

  it('tar reads a header with a size of more than 8 GiB', async () => {
    const size = 9 * 1024 ** 3;
    await writeFile(file, tarHeader({ name: 'tables/a.copy.gz', size }, 1));
    await truncate(file, 512 + size + 1024);
    expect(execFileSync('tar', ['tvf', file]).toString()).toContain(` ${size} `);
  });

  it.each<[string, (header: Buffer) => void]>([
    ['a symbolic link', (header) => header.write('2', 156)],
    ['a longer name', (header) => header.write('prefix', 345)],
    ['another magic', (header) => header.write('x', 257)],
  ])('a tar header of %s is refused', (_, change) => {
    const header = tarHeader({ name: 'a', size: 0 }, 1);
    change(header);
    const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
    header.write(sum.toString(8).padStart(6, '0'), 148);
    expect(() => parseTarHeader(header)).toThrow();
  });
});
