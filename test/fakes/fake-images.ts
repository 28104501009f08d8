/** One image that is always built. */
import type { BuiltImage, Images } from '../../engine/machine/images/images';

export const builtImage: BuiltImage = {
  name: 'micro',
  checksum: 'c'.repeat(64),
  disk: '/images/disk.qcow2',
  boot: { kind: 'disk' },
  minMemoryMiB: 128,
};

export const fakeImages: Images = {
  find: () => Promise.resolve(builtImage),
  build: () => Promise.resolve(builtImage),
  list: () => Promise.resolve([]),
  verify: () => Promise.resolve(),
};
