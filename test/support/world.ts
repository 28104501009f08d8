/** An engine on a real database with a fake host: what tests of operations work in. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Config, loadConfig } from '../../engine/config';
import type { Engine, User } from '../../engine/engine';
import { accounts } from '../../engine/accounts/accounts';
import { hostings } from '../../engine/hostings';
import { operations } from '../../engine/operations-view';
import type { EngineParts } from '../../engine/engine-parts';
import { connectParts } from '../../engine/start';
import { createLog } from '../../engine/log';
import { routePublisher } from '../../engine/proxy/publisher';
import { allRoutes } from '../../engine/store/routes';
import { ensureNode, updateNode } from '../../engine/store/stacks';
import type { Parts } from '../../engine/parts';
import { FakeHost } from '../fakes/fake-host';
import { instantClock } from '../fakes/instant-clock';
import { cloneDatabase } from './postgres';

export interface World extends EngineParts {
  readonly host: FakeHost;
  readonly config: Config;
  readonly engine: Pick<Engine, 'accounts' | 'hostings' | 'operations'>;
  newUser(): Promise<User>;
  /** Runs what is left to do on a stack, as a worker would. */
  work(stackId: string): Promise<void>;
  close(): Promise<void>;
}

export const secrets = { JWT_SECRET: 'j'.repeat(32), STATE_KEY: 's'.repeat(32) };

export async function openWorld(
  settings: Record<string, string> = {},
  replace: Partial<Parts> = {},
): Promise<World> {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-world-'));
  const config = loadConfig({
    ...secrets,
    NODE_ENV: 'test',
    DATA_DIR: dir,
    DATABASE_URL: await cloneDatabase(),
    BCRYPT_COST: '4',
    IMAGE: 'micro',
    ...settings,
  });
  const host = new FakeHost();
  const { synthesizer, terraform, inventory, isolation, guest, agent, traffic, proxy, virtualization } = host;
  const clock = instantClock();
  // the pause between two reloads is the publisher's own test's matter
  const publish = async (): Promise<void> => parts.proxy.publish(await allRoutes(parts.database.direct));
  const connected = await connectParts(config, createLog(process.env.TEST_LOG ?? 'silent'), {
    synthesizer,
    terraform,
    inventory,
    isolation,
    guest,
    agent,
    traffic,
    proxy,
    virtualization,
    clock,
    routePublisher: routePublisher(publish, clock),
    ...replace,
  });
  const { parts, bus, runner } = connected;
  await readyNode(parts);
  const engine = {
    accounts: accounts(parts.database, config),
    hostings: hostings(parts),
    operations: operations(parts, bus),
  };
  let users = 0;
  return {
    ...connected,
    host,
    config,
    engine,
    newUser: () =>
      engine.accounts.register({
        email: `u${++users}@example.org`,
        username: `user-${users}-x`,
        password: randomUUID(),
      }),
    work: (stackId) => runner.perform(stackId, new AbortController().signal),
    close: async () => {
      await parts.queue.stop();
      await bus.close();
      await parts.database.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function readyNode({ config, database }: Parts): Promise<void> {
  await ensureNode(database.direct, config.NODE_NAME, randomUUID());
  await updateNode(database.direct, config.NODE_NAME, {
    domainType: 'qemu',
    prepared: 'for tests',
    images: { [config.IMAGE]: { baseVolumePath: '/pool/base.qcow2', boot: { kind: 'disk' } } },
  });
}
