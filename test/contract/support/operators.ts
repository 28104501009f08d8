/** An operator on the machine, and one who talks to a service, over the same kind of world: real database, fake host. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from '../../../api/app';
import { openClient } from '../../../cli/remote/client';
import { remoteOperator } from '../../../cli/remote/remote-operator';
import type { Engine, Operator, User } from '../../../engine';
import { memoryLimiter } from '../../../engine/base/limits';
import { machineOperator } from '../../../engine/operator';
import { setRole } from '../../../engine/store/users';
import { openWorld, type World } from '../../worlds/world';

export interface Scene {
  readonly world: World;
  readonly operator: Operator;
  close(): Promise<void>;
}

export const scenes: readonly (readonly [string, () => Promise<Scene>])[] = [
  ['on the machine', machineScene],
  ['over the API', async () => serviceScene(await openWorld())],
];

async function machineScene(): Promise<Scene> {
  const world = await openWorld();
  const handover = new AbortController().signal;
  const operator = machineOperator(world, { who: 'operator tests', handover }).hostings;
  return { world, operator, close: () => world.close() };
}

export interface ServiceScene extends Scene {
  readonly url: string;
  /** Somebody who is signed in, and their token. */
  signIn(role: User['role']): Promise<{ user: User; token: string }>;
  operatorOf(token: string): Operator;
}

export async function serviceScene(world: World): Promise<ServiceScene> {
  const stopping = new AbortController();
  const { parts, runner } = world;
  const engine: Engine = {
    ...world.engine,
    limiter: (_, limit) => memoryLimiter(limit),
    close: () => Promise.resolve(),
  };
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const app = createApp({
    engine,
    config: { REQUEST_WAIT_SECONDS: 30 },
    logger: silent,
    stopping: stopping.signal,
  });
  const server = http.createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await parts.queue.start((stackId, handover) => runner.perform(stackId, handover));
  let people = 0;
  const signIn: ServiceScene['signIn'] = async (role) => {
    const who = { email: `person${++people}@example.org`, password: 'correct horse battery' };
    const user = await engine.accounts.register({ ...who, username: `person-${people}` });
    await setRole(parts.database.direct, who.email, role);
    return { user, token: (await engine.accounts.login(who)).accessToken };
  };
  const operatorOf = (token: string): Operator => {
    const { signal } = stopping;
    return remoteOperator(openClient({ url, token, signal }), { signal, comeBackMs: [10, 10] });
  };
  return {
    world,
    url,
    operator: operatorOf((await signIn('admin')).token),
    signIn,
    operatorOf,
    close: async () => {
      stopping.abort(new Error('the test is over'));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await world.close();
    },
  };
}
