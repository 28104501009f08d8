/** A directory that holds an ejected hosting: mode 0700, files 0600, for nobody else to read. */
import { mkdir, open, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { BundleFile, EjectionTarget } from '../engine';

/** Why a directory cannot be written into; null when it is not there or empty. */
export async function whyNotEmpty(dir: string): Promise<string | null> {
  try {
    return (await readdir(dir)).length === 0 ? null : `${dir} is not empty`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    return code === 'ENOTDIR' ? `${dir} is a file` : `${dir} cannot be read: ${String(error)}`;
  }
}

/** Everything is on the disk when `write` returns: the files are all there is of the Terraform state from then on. */
export function bundleTarget(dir: string): EjectionTarget {
  // made by this: what somebody else has put there meanwhile stays
  const made: string[] = [];
  const discard = async (): Promise<void> => {
    for (const entry of made.splice(0).reverse())
      await rm(entry).catch(() => rmdir(entry).catch(() => undefined));
  };
  const makeDirectory = async (directory: string): Promise<void> => {
    if ((await readdir(directory).catch(() => null)) !== null) return;
    await mkdir(directory, { mode: 0o700 });
    made.push(directory);
  };
  const write = async (files: readonly BundleFile[]): Promise<void> => {
    const targets = files.map(({ path: file, content }) => ({ file: path.resolve(dir, file), content }));
    const directories = new Set([path.resolve(dir), ...targets.map(({ file }) => path.dirname(file))]);
    for (const directory of directories) await makeDirectory(directory);
    await inDirectory(dir, (handle) => handle.chmod(0o700));
    for (const { file, content } of targets) await writeThrough(file, content, () => made.push(file));
    for (const directory of [...directories, path.dirname(path.resolve(dir))])
      await inDirectory(directory, (handle) => handle.sync());
  };
  return {
    write: (files) =>
      write(files).catch(async (error: unknown) => {
        await discard();
        throw error;
      }),
    discard,
  };
}

/** Content of a file of the directory; null where there is none. */
export function readerOf(dir: string): (file: string) => Promise<Buffer | null> {
  return (file) =>
    readFile(path.join(dir, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
}

/** @param onMade  told when the file is there, before anything is in it */
async function writeThrough(file: string, content: Buffer, onMade: () => void): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  onMade();
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function inDirectory(
  dir: string,
  act: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await act(handle);
  } finally {
    await handle.close();
  }
}
