/** Golden guest images: built once from a recipe in images/, cached under the recipe's checksum. */
import { EngineError } from '../../base/errors';

export const imageNames = ['debian-13', 'ubuntu-22.04', 'ubuntu-24.04', 'micro'] as const;
export type ImageName = (typeof imageNames)[number];

export interface BuiltImage {
  readonly name: ImageName;
  /** SHA-256 over the recipe's files, hex; another recipe is another image. */
  readonly checksum: string;
  /** Absolute path of the qcow2 disk. */
  readonly disk: string;
  readonly boot:
    { kind: 'direct-kernel'; kernel: string; initrd: string; cmdline: string } | { kind: 'disk' };
  readonly minMemoryMiB: number;
}

export interface ImageStatus {
  readonly name: ImageName;
  readonly title: string;
  readonly checksum: string;
  /** `stale`: built from another version of the recipe. */
  readonly state: 'built' | 'stale' | 'absent';
  readonly bytes: number;
  readonly builtAt: Date | null;
}

export interface Images {
  /** The built image of the recipe as it is now; null when it has yet to be built. */
  find(name: ImageName): Promise<BuiltImage | null>;
  /**
   * Builds the image unless it is there.
   *
   * @param onLine  told each line of progress
   * @throws {EngineError} image_source_unreachable, naming what could not be had; image_build_failed
   */
  build(
    name: ImageName,
    options: { onLine: (line: string) => void; signal?: AbortSignal },
  ): Promise<BuiltImage>;
  list(): Promise<ImageStatus[]>;
  /** Reads every file of a built image again. @throws {EngineError} image_missing, image_build_failed naming the changed files */
  verify(name: ImageName): Promise<void>;
}

export function imageMissing(name: ImageName): EngineError {
  return new EngineError(
    'image_missing',
    `Image ${name} has not been built; \`./scripts/webhoster image build ${name}\` builds it`,
  );
}
