import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { imageBuilder, recipeChecksum } from '../../../../engine/machine/images/builder';
import { imageNames, type Images } from '../../../../engine/machine/images/images';
import { removeScratch, scratchDir } from '../support';

let recipesDir: string;
let imagesDir: string;
let images: Images;

/** Makes what a build must make, and counts its runs beside the recipes. */
const works =
  'echo "building in $1"; echo run >> ../../runs; mkdir -p "$1"; printf disk > "$1/disk.qcow2"; printf kernel > "$1/vmlinuz"; printf initrd > "$1/initrd"';

function writeRecipe(name: string, script = works, recipe: Record<string, unknown> = {}): void {
  mkdirSync(path.join(recipesDir, name, 'root/etc'), { recursive: true });
  writeFileSync(path.join(recipesDir, name, 'build.sh'), `set -eu\n${script}\n`);
  writeFileSync(path.join(recipesDir, name, 'root/etc/motd'), `welcome to ${name}\n`);
  writeFileSync(
    path.join(recipesDir, name, 'recipe.json'),
    JSON.stringify({
      title: `Title of ${name}`,
      boot: 'direct-kernel',
      cmdline: 'quiet',
      minMemoryMiB: 96,
      ...recipe,
    }),
  );
}

beforeEach(() => {
  const dir = scratchDir();
  recipesDir = path.join(dir, 'recipes');
  imagesDir = path.join(dir, 'built');
  mkdirSync(path.join(recipesDir, 'common'), { recursive: true });
  writeFileSync(path.join(recipesDir, 'common/guest.sh'), 'echo common\n');
  for (const name of imageNames) writeRecipe(name);
  images = imageBuilder({ recipesDir, imagesDir });
});
afterEach(removeScratch);

const quiet = { onLine: () => undefined };
const runs = (): number => {
  try {
    return readFileSync(path.join(recipesDir, '../runs'), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
};
const built = (name: string): string[] => {
  try {
    return readdirSync(path.join(imagesDir, name));
  } catch {
    return [];
  }
};

describe('building an image', () => {
  it('building an image runs the recipe once, and finds its files afterwards', async () => {
    expect(await images.find('micro')).toBeNull();
    const lines: string[] = [];
    const image = await images.build('micro', { onLine: (line) => lines.push(line) });
    const checksum = await recipeChecksum(recipesDir, 'micro');
    const dir = path.join(imagesDir, 'micro', checksum.slice(0, 16));
    expect(image).toEqual({
      name: 'micro',
      checksum,
      disk: path.join(dir, 'disk.qcow2'),
      boot: {
        kind: 'direct-kernel',
        kernel: path.join(dir, 'vmlinuz'),
        initrd: path.join(dir, 'initrd'),
        cmdline: 'quiet',
      },
      minMemoryMiB: 96,
    });
    expect(readFileSync(image.disk, 'utf8')).toBe('disk');
    expect(lines).toEqual([expect.stringMatching(/^building in /)]);
    expect(await images.build('micro', quiet)).toEqual(image);
    expect(await images.find('micro')).toEqual(image);
    expect(runs()).toBe(1);
    expect(built('micro')).toEqual([checksum.slice(0, 16)]);
  });

  it('a disk image has no kernel', async () => {
    writeRecipe('ubuntu-24.04', works, { boot: 'disk', cmdline: undefined });
    expect((await images.build('ubuntu-24.04', quiet)).boot).toEqual({ kind: 'disk' });
  });

  it('QEMU’s own user can read an image’s files, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      const { disk } = await images.build('micro', quiet);
      expect(statSync(disk).mode & 0o777).toBe(0o644);
      expect(statSync(path.dirname(disk)).mode & 0o777).toBe(0o755);
    } finally {
      process.umask(before);
    }
  });

  it('an image is built again when its recipe has changed, and the older one stays: VMs may be backed by it', async () => {
    const first = await images.build('micro', quiet);
    appendFileSync(path.join(recipesDir, 'micro/root/etc/motd'), 'more\n');
    expect(await images.find('micro')).toBeNull();
    const second = await images.build('micro', quiet);
    expect(second.disk).not.toBe(first.disk);
    expect(readFileSync(first.disk, 'utf8')).toBe('disk');
    expect(runs()).toBe(2);
  });

  it('a build gets a bare environment with the mirrors and nothing secret', async () => {
    Object.assign(process.env, { DEBIAN_MIRROR: 'http://mirror.example.org', JWT_SECRET: 'hidden' });
    try {
      writeRecipe('micro', `env > "$1/env"`);
      const { disk } = await images.build('micro', quiet);
      const text = readFileSync(path.join(path.dirname(disk), 'env'), 'utf8');
      expect(text).toContain('DEBIAN_MIRROR=http://mirror.example.org\n');
      expect(text).not.toContain('hidden');
    } finally {
      Reflect.deleteProperty(process.env, 'DEBIAN_MIRROR');
      Reflect.deleteProperty(process.env, 'JWT_SECRET');
    }
  });
});

describe('the checksum of a recipe', () => {
  const sum = (): Promise<string> => recipeChecksum(recipesDir, 'micro');

  it.each([
    ['a file of the recipe', 'micro/root/etc/motd'],
    ['its build script', 'micro/build.sh'],
    ['its facts', 'micro/recipe.json'],
    ['a file that all recipes share', 'common/guest.sh'],
  ])('the checksum of a recipe changes with %s', async (_, file) => {
    const before = await sum();
    appendFileSync(path.join(recipesDir, file), ' ');
    expect(await sum()).not.toBe(before);
  });

  it('the checksum of a recipe changes with a new, a missing and a renamed file', async () => {
    const before = await sum();
    writeFileSync(path.join(recipesDir, 'common/new'), '');
    const added = await sum();
    renameSync(path.join(recipesDir, 'common/new'), path.join(recipesDir, 'common/newer'));
    const renamed = await sum();
    rmSync(path.join(recipesDir, 'common/newer'));
    expect(new Set([before, added, renamed]).size).toBe(3);
    expect(await sum()).toBe(before);
  });

  it('the checksum of a recipe does not change with another recipe, nor with its directory', async () => {
    const before = await sum();
    appendFileSync(path.join(recipesDir, 'debian-13/root/etc/motd'), 'x');
    expect(await sum()).toBe(before);
    const moved = `${recipesDir}-moved`;
    renameSync(recipesDir, moved);
    expect(await recipeChecksum(moved, 'micro')).toBe(before);
  });
});

describe('a build that fails', () => {
  it('a failed build names the source that could not be fetched, and is worth a retry', async () => {
    writeRecipe(
      'micro',
      'echo "some noise" >&2; echo "unreachable: https://mirror.example.org/dists" >&2; exit 3',
    );
    await expect(images.build('micro', quiet)).rejects.toMatchObject({
      code: 'image_source_unreachable',
      retryable: true,
      message: 'Image micro: https://mirror.example.org/dists could not be downloaded',
    });
    expect(built('micro')).toEqual([]);
  });

  it('a failed build says so if the source has no name', async () => {
    writeRecipe('micro', 'exit 3');
    await expect(images.build('micro', quiet)).rejects.toMatchObject({
      code: 'image_source_unreachable',
      message: 'Image micro: its source could not be downloaded',
    });
  });

  it('a failed build leaves nothing, says how to find the reason, and has the raw output in its cause only', async () => {
    writeRecipe('micro', 'printf half > "$1/disk.qcow2"; echo "/root/secret: denied" >&2; exit 1');
    const thrown = await images.build('micro', quiet).catch((error: unknown) => error as Error);
    expect(thrown).toMatchObject({
      code: 'image_build_failed',
      retryable: false,
      message: expect.stringContaining('webhoster image build micro') as string,
    });
    expect((thrown as Error).message).not.toContain('secret');
    expect(((thrown as Error).cause as Error).message).toContain('/root/secret: denied');
    expect(built('micro')).toEqual([]);
    expect(await images.find('micro')).toBeNull();
  });

  it('an aborted build leaves nothing', async () => {
    writeRecipe('micro', 'printf half > "$1/disk.qcow2"; echo begun; sleep 60');
    const stop = new AbortController();
    const reason = new Error('enough');
    await expect(
      images.build('micro', {
        signal: stop.signal,
        onLine: () => {
          stop.abort(reason);
        },
      }),
    ).rejects.toBe(reason);
    expect(built('micro')).toEqual([]);
  });
});

describe('listing', () => {
  it('the list of images shows which are built, stale or absent, with titles and sizes', async () => {
    await images.build('micro', quiet);
    await images.build('debian-13', quiet);
    appendFileSync(path.join(recipesDir, 'debian-13/root/etc/motd'), 'newer');
    const listed = Object.fromEntries((await images.list()).map((each) => [each.name, each]));
    expect(Object.keys(listed)).toEqual([...imageNames]);
    expect(listed.micro).toMatchObject({
      title: 'Title of micro',
      state: 'built',
      bytes: 'disk'.length + 'kernel'.length + 'initrd'.length,
    });
    expect(Math.abs(Date.now() - listed.micro!.builtAt!.getTime())).toBeLessThan(60_000);
    expect(listed['debian-13']).toMatchObject({ state: 'stale', bytes: 0, builtAt: null });
    expect(listed['ubuntu-22.04']).toMatchObject({ state: 'absent', bytes: 0, builtAt: null });
  });

  it('the list of images shows a first build that is still running as absent', async () => {
    let seen: Promise<unknown> | null = null;
    writeRecipe('micro', 'echo begun; sleep 0.3; printf disk > "$1/disk.qcow2"');
    await images.build('micro', {
      onLine: () => {
        seen = images.list();
      },
    });
    expect(await seen).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'micro', state: 'absent' })]),
    );
  });
});

describe('verifying', () => {
  it('verifying accepts an image as it was built', async () => {
    await images.build('micro', quiet);
    await expect(images.verify('micro')).resolves.toBeUndefined();
  });

  it('verifying names each file that has changed or is missing', async () => {
    const { disk } = await images.build('micro', quiet);
    writeFileSync(disk, 'disC');
    rmSync(path.join(path.dirname(disk), 'initrd'));
    await expect(images.verify('micro')).rejects.toMatchObject({
      code: 'image_build_failed',
      message: 'Image micro is damaged: disk.qcow2, initrd changed after it was built',
    });
  });

  it('verifying says so if there is nothing to verify', async () => {
    await expect(images.verify('micro')).rejects.toMatchObject({ code: 'image_missing' });
  });
});
