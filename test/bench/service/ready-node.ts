/** A node that hostings may be placed on, as `webhoster node prepare` would leave it. */
import { randomUUID } from 'node:crypto';
import type { Config } from '../../../engine/base/config';
import { databaseUrl } from '../../../engine/store/url';
import { openDatabase } from '../../../engine/store/database';
import { ensureNode, updateNode } from '../../../engine/store/stacks';
import { migrateQueue } from '../../../engine/durable';

export async function readyNode(config: Config): Promise<void> {
  const url = databaseUrl(config);
  const database = await openDatabase(url);
  await migrateQueue(url);
  await database.migrate();
  await ensureNode(database.direct, config.NODE_NAME, randomUUID());
  await updateNode(database.direct, config.NODE_NAME, {
    domainType: 'qemu',
    prepared: 'for the bench',
    images: { [config.IMAGE]: { baseVolumePath: '/pool/base.qcow2', boot: { kind: 'disk' } } },
  });
  await database.close();
}
