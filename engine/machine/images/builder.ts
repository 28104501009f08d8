/**
 * Builds images by their recipe's build.sh into `<cache>/images/<name>/<checksum>/`. A build appears there by one
 * rename, with a manifest of its files' checksums, so that a half-built image is never met.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile, chmod } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { EngineError } from '../../base/errors';
import { ignoreMissing } from '../../base/files';
import { runCommand } from '../../base/process';
import {
  type BuiltImage,
  imageMissing,
  type ImageName,
  imageNames,
  type Images,
  type ImageStatus,
} from './images';

const recipeSchema = z.object({
  title: z.string(),
  boot: z.enum(['direct-kernel', 'disk']),
  cmdline: z.string().default(''),
  minMemoryMiB: z.number().int(),
});
type Recipe = z.output<typeof recipeSchema>;

interface Manifest {
  readonly builtAt: string;
  /** File name -> SHA-256, hex. */
  readonly files: Readonly<Record<string, string>>;
}

const buildTimeoutMs = 30 * 60_000;
/** build.sh's own exit code for a source that cannot be had. */
const sourceUnreachable = 3;

export interface ImageBuilderOptions {
  /** The folder of recipes. */
  readonly recipesDir: string;
  /** Where built images are kept. */
  readonly imagesDir: string;
}

export function imageBuilder({ recipesDir, imagesDir }: ImageBuilderOptions): Images {
  const recipe = async (name: ImageName): Promise<Recipe> =>
    recipeSchema.parse(JSON.parse(await readFile(path.join(recipesDir, name, 'recipe.json'), 'utf8')));
  const placeOf = async (name: ImageName): Promise<{ checksum: string; dir: string }> => {
    const checksum = await recipeChecksum(recipesDir, name);
    return { checksum, dir: path.join(imagesDir, name, checksum.slice(0, 16)) };
  };

  const find = async (name: ImageName): Promise<BuiltImage | null> => {
    const { checksum, dir } = await placeOf(name);
    if ((await readManifest(dir)) === null) return null;
    const { boot, cmdline, minMemoryMiB } = await recipe(name);
    const file = (base: string): string => path.join(dir, base);
    return {
      name,
      checksum,
      disk: file('disk.qcow2'),
      boot:
        boot === 'disk'
          ? { kind: 'disk' }
          : { kind: 'direct-kernel', kernel: file('vmlinuz'), initrd: file('initrd'), cmdline },
      minMemoryMiB,
    };
  };

  return {
    find,
    build: async (name, options) => {
      const there = await find(name);
      if (there) return there;
      const { dir } = await placeOf(name);
      await buildInto(path.join(recipesDir, name), dir, options);
      return (await find(name)) as BuiltImage;
    },
    list: () =>
      Promise.all(
        imageNames.map(async (name) => status(name, (await recipe(name)).title, await placeOf(name))),
      ),
    verify: async (name) => {
      const { dir } = await placeOf(name);
      const manifest = await readManifest(dir);
      if (manifest === null) throw imageMissing(name);
      const found = await fileChecksums(dir);
      const changed = Object.keys(manifest.files).filter((file) => manifest.files[file] !== found[file]);
      if (changed.length > 0)
        throw new EngineError(
          'image_build_failed',
          `Image ${name} is damaged: ${changed.join(', ')} changed after it was built`,
        );
    },
  };
}

async function buildInto(
  recipeDir: string,
  dir: string,
  options: Parameters<Images['build']>[1],
): Promise<void> {
  await mkdir(path.dirname(dir), { recursive: true, mode: 0o755 });
  const draft = await mkdtemp(`${dir}.building-`);
  try {
    const result = await runCommand(['bash', path.join(recipeDir, 'build.sh'), draft], {
      cwd: recipeDir,
      env: buildEnvironment(),
      signal: options.signal,
      timeoutMs: buildTimeoutMs,
      onLine: options.onLine,
    });
    if (result.code !== 0) throw buildFailed(path.basename(recipeDir), result.code, result.stderr);
    const manifest: Manifest = { builtAt: new Date().toISOString(), files: await fileChecksums(draft) };
    await writeFile(path.join(draft, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    // QEMU runs as another user and reads kernel and disk from here; an image holds no secret
    await chmod(draft, 0o755);
    for (const file of await readdir(draft)) await chmod(path.join(draft, file), 0o644);
    await rename(draft, dir);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** A mirror may be chosen, a proxy may be needed; nothing else reaches the build. */
function buildEnvironment(): Record<string, string> {
  const names = [
    'DEBIAN_MIRROR',
    'DEBIAN_SECURITY_MIRROR',
    'UBUNTU_IMAGE_BASE_URL',
    'http_proxy',
    'https_proxy',
    'no_proxy',
    'TMPDIR',
  ];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function buildFailed(name: string, code: number | null, stderr: string): EngineError {
  const cause = new Error(stderr.slice(-8_000));
  const unreachable = /^unreachable: (.*)$/m.exec(stderr)?.[1];
  if (code === sourceUnreachable) {
    return new EngineError(
      'image_source_unreachable',
      `Image ${name}: ${unreachable ?? 'its source'} could not be downloaded`,
      { retryable: true, cause },
    );
  }
  return new EngineError(
    'image_build_failed',
    `Image ${name} could not be built; run \`./scripts/webhoster image build ${name}\` to see why`,
    { cause },
  );
}

async function status(
  name: ImageName,
  title: string,
  { checksum, dir }: { checksum: string; dir: string },
): Promise<ImageStatus> {
  const manifest = await readManifest(dir);
  if (manifest === null) {
    const found = (await readdir(path.dirname(dir)).catch(ignoreMissing)) ?? [];
    // a build that runs, or died, is in a directory of a longer name
    const others = found.filter((other) => other.length === path.basename(dir).length);
    return { name, title, checksum, state: others.length > 0 ? 'stale' : 'absent', bytes: 0, builtAt: null };
  }
  const sizes = await Promise.all(
    Object.keys(manifest.files).map(async (file) => (await stat(path.join(dir, file))).size),
  );
  return {
    name,
    title,
    checksum,
    state: 'built',
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    builtAt: new Date(manifest.builtAt),
  };
}

async function readManifest(dir: string): Promise<Manifest | null> {
  const text = await readFile(path.join(dir, 'manifest.json'), 'utf8').catch(ignoreMissing);
  return text === null ? null : (JSON.parse(text) as Manifest);
}

/** SHA-256 over path and content of every file of the recipe and of what all recipes share. */
export async function recipeChecksum(recipesDir: string, name: string): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of [name, 'common']) {
    const entries = await readdir(path.join(recipesDir, folder), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    for (const file of files.sort()) {
      hash
        .update(`${path.relative(recipesDir, file)}\0`)
        .update(await readFile(file))
        .update('\0');
    }
  }
  return hash.digest('hex');
}

async function fileChecksums(dir: string): Promise<Record<string, string>> {
  const files = (await readdir(dir)).filter((file) => file !== 'manifest.json').sort();
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await fileChecksum(path.join(dir, file))] as const)),
  );
}

async function fileChecksum(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
