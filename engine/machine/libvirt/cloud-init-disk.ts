/**
 * A cloud-init disk's content, made by the same program with the same arguments as Terraform's provider makes it: what
 * that reads back from it is the specification, and a plan finds no difference.
 */
import { stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../../base/errors';
import { inTemporaryDirectory } from '../../base/files';
import { expectCommand } from '../../base/process';

export interface CloudInitData {
  readonly userData: string;
  readonly metaData: string;
}

/**
 * Writes the image into a file and hands it over; it is gone when `use` has ended.
 *
 * @param bytes  length that the image must have: that of the disk whose place it takes, since a VM that runs has seen
 *   how long its disk is and reads no further
 * @throws {EngineError} guest_unreachable when there is not so much room
 */
export async function withCloudInitImage<T>(
  data: CloudInitData,
  bytes: number,
  use: (file: string) => Promise<T>,
): Promise<T> {
  return inTemporaryDirectory(async (directory) => {
    const files = { 'user-data': data.userData, 'meta-data': data.metaData, 'network-config': '' };
    const written = Object.keys(files).map((name) => path.join(directory, name));
    for (const [name, content] of Object.entries(files)) await writeFile(path.join(directory, name), content);
    const image = path.join(directory, 'cidata.iso');
    await expectCommand(
      ['mkisofs', '-quiet', '-output', image, '-volid', 'cidata', '-joliet', '-rock', ...written],
      { timeoutMs: 30_000 },
    );
    const { size } = await stat(image);
    if (size > bytes)
      throw new EngineError('guest_unreachable', 'The spare VM has no room for the data of its owner', {
        cause: new Error(`${size} bytes, room for ${bytes}`),
      });
    await truncate(image, bytes);
    return use(image);
  });
}
