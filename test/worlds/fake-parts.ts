/** What every service of a test has in common: its settings, the machine that it finds, the fakes in that one's place. */
import { randomUUID } from 'node:crypto';
import { type Config, loadConfig } from '../../engine/base/config';
import type { Parts } from '../../engine/durable';
import type { Database } from '../../engine/store/database';
import { ensureNode, updateNode } from '../../engine/store/stacks';
import type { FakeHost } from '../fakes/fake-host';
import { fakeImages } from '../fakes/fake-images';

/** Parts that a test may leave as they are: they touch nothing but the test's own directory and database. */
type Harmless =
  | 'config'
  | 'log'
  | 'clock'
  | 'database'
  | 'queue'
  | 'kinds'
  | 'owned'
  | 'secretBox'
  | 'routePublisher'
  | 'redis'
  | 'measures'
  | 'tracing';

/** All that would touch the machine. A part that is new does not compile until it is here, too. */
export function fakeParts(host: FakeHost): Omit<Parts, Harmless> {
  const { synthesizer, terraform, inventory, isolation, guest, agent, traffic, proxy, virtualization } = host;
  const { nodeCare } = host;
  return {
    synthesizer,
    terraform,
    inventory,
    isolation,
    guest,
    agent,
    traffic,
    nodeCare,
    proxy,
    virtualization,
    images: fakeImages,
  };
}

export const strongSecrets = { JWT_SECRET: 'j'.repeat(32), STATE_KEY: 's'.repeat(32) };

export function testConfig(
  { dir, url }: { dir: string; url: string },
  settings: Readonly<Record<string, string>> = {},
): Config {
  return loadConfig({
    ...strongSecrets,
    NODE_ENV: 'test',
    DATA_DIR: dir,
    DATABASE_URL: url,
    BCRYPT_COST: '4',
    IMAGE: 'micro',
    ...settings,
  });
}

/** The node as `node prepare` would leave it. */
export async function readyNode({ config, database }: { config: Config; database: Database }): Promise<void> {
  await ensureNode(database.direct, config.NODE_NAME, randomUUID());
  await updateNode(database.direct, config.NODE_NAME, {
    domainType: 'qemu',
    prepared: 'for tests',
    images: { [config.IMAGE]: { baseVolumePath: '/pool/base.qcow2', boot: { kind: 'disk' } } },
  });
}
