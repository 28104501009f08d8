/** Which build of the libvirt provider the mirror holds: scripts/lib/provider.sh writes it down beside it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** `whole-streams`: with its client mended by whole-streams.sed; `registry`: as it comes, which hangs or fails now and then. */
const shape = z.object({
  version: z.string(),
  build: z.enum(['whole-streams', 'registry']),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type ProviderBuild = z.output<typeof shape>;

/** @returns null where nothing, or nothing that makes sense, is written down */
export async function providerBuild(mirrorDir: string): Promise<ProviderBuild | null> {
  try {
    return shape.parse(JSON.parse(await readFile(path.join(mirrorDir, 'build.json'), 'utf8')));
  } catch {
    return null;
  }
}

/** e.g. `0.8.3+whole-streams` */
export function nameOfBuild({ version, build }: ProviderBuild): string {
  return `${version}+${build}`;
}
