/** An engine on a real database with a fake host: what tests of operations work in. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Config } from '../../engine/base/config';
import type { User } from '../../engine/model/account';
import type { EngineParts, Parts } from '../../engine/durable';
import { answersOf, connectParts } from '../../engine/start';
import { createLog } from '../../engine/base/log';
import { routePublisher } from '../../engine/machine/nginx/publisher';
import { allRoutes } from '../../engine/store/routes';
import { FakeHost } from '../fakes/fake-host';
import { instantClock } from '../fakes/instant-clock';
import { fakeParts, readyNode, testConfig } from './fake-parts';
import { cloneDatabase, dropDatabase } from '../support/postgres';

export interface World extends EngineParts {
  readonly host: FakeHost;
  readonly config: Config;
  readonly engine: ReturnType<typeof answersOf>;
  newUser(): Promise<User>;
  /** Runs what is left to do on a stack, as a worker would. */
  work(stackId: string): Promise<void>;
  close(): Promise<void>;
}

export async function openWorld(
  settings: Record<string, string> = {},
  replace: Partial<Parts> = {},
  { url, host = new FakeHost() }: { url?: string; host?: FakeHost } = {},
): Promise<World> {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-world-'));
  const config = testConfig({ dir, url: url ?? (await cloneDatabase()) }, settings);
  const clock = instantClock();
  // the pause between two reloads is the publisher's own test's matter
  const publish = async (): Promise<void> => parts.proxy.publish(await allRoutes(parts.database.direct));
  const connected = await connectParts(config, createLog(process.env.TEST_LOG ?? 'silent'), {
    ...fakeParts(host),
    clock,
    routePublisher: routePublisher(publish, clock),
    ...replace,
  });
  const { parts, bus, runner } = connected;
  await readyNode(parts);
  const engine = answersOf(connected);
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
      await dropDatabase(config.DATABASE_URL!);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
