/**
 * The file that Nginx writes visits into: a line for each, with its time and the address of the VM; nothing of who came
 * or what they asked for. It is read on from where the last look ended, and emptied when it has grown.
 */
import { mkdir, open, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { ignoreMissing } from '../../base/files';

/** Some hundred thousand visits. */
const mostBytes = 8 * 1024 * 1024;

function visitsDir(nginxDir: string): string {
  return path.join(nginxDir, 'visits');
}

/** Nginx's master opens the file; nobody else needs to get in. */
export async function prepareVisits(nginxDir: string): Promise<void> {
  await mkdir(visitsDir(nginxDir), { recursive: true, mode: 0o700 });
}

/** @returns reads what was written since the last call; the first call only looks where the end is */
export function visitsReader(nginxDir: string): () => Promise<string> {
  const file = path.join(visitsDir(nginxDir), 'log');
  let offset: number | null = null;
  let partial = '';
  return async () => {
    const size = (await stat(file).catch(ignoreMissing))?.size ?? 0;
    if (offset === null) {
      offset = size;
      return '';
    }
    // somebody has emptied it
    if (size < offset) [offset, partial] = [0, ''];
    const text = partial + (await readFrom(file, offset, size));
    offset = size;
    const end = text.lastIndexOf('\n') + 1;
    partial = text.slice(end);
    // Nginx appends, so it goes on at the beginning. A line of this very moment may be lost, and with it one visit of many
    if (size > mostBytes) {
      await truncate(file);
      [offset, partial] = [0, ''];
    }
    return text.slice(0, end);
  };
}

async function readFrom(file: string, from: number, to: number): Promise<string> {
  if (to <= from) return '';
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Lines such as `1763800000.123 10.90.0.5:80`; of several addresses in one line each was tried. */
export function parseVisits(text: string): Map<string, number> {
  const visits = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, seconds] = /^(\d+\.\d{3}) /.exec(line) ?? [];
    if (seconds === undefined) continue;
    for (const [, ip = ''] of line.matchAll(/(?<=[ ,])(\d{1,3}(?:\.\d{1,3}){3}):\d+/g))
      visits.set(ip, Math.max(visits.get(ip) ?? 0, Number(seconds) * 1000));
  }
  return visits;
}
