/** What owners are told of a hosting that should run, and what wakes it, on a fake host. */
import type { Hosting } from '../../engine/model/hosting';
import type { User } from '../../engine/model/account';
import { machineOperator } from '../../engine/operator';
import { lookForTroubles } from '../../engine/monitoring';
import { fix, sweep } from '../../engine/sweep';
import { openWorld, type World } from '../worlds/world';

let world: World;
let user: User;
let mine: Hosting;
beforeEach(async () => {
  world = await openWorld();
  user = await world.newUser();
  const { hosting } = await world.engine.hostings.create(user, {});
  await world.work(hosting.id);
  mine = hosting;
});
afterEach(() => world.close());

const status = async (): Promise<string> => (await world.engine.hostings.mine(user)).status;
const kinds = async (): Promise<string[]> =>
  (await lookForTroubles(world.parts)).findings.map(({ kind }) => kind);

it.each<[string, string, (world: World) => void]>([
  ['off', 'shut off', ({ host }) => void host.domains.set(mine.vmName, 'shut off')],
  ['paused', 'paused', ({ host }) => void host.domains.set(mine.vmName, 'paused')],
  ['lost', 'gone', ({ host }) => void host.domains.delete(mine.vmName)],
  ['unreachable', 'silent', ({ host }) => void host.silent.add(mine.ip)],
  ['unreachable', 'without a network', ({ host }) => void (host.node.state = { network: 'inactive' })],
  ['unreachable', 'frozen', ({ host }) => void (host.node.state = { frozen: [mine.vmName] })],
])(
  'tells its owner "%s" of a VM that is %s, in lists too, and "running" when it is over',
  async (told, _, damage) => {
    const before = new Map(world.host.domains);
    damage(world);
    expect(await kinds()).toHaveLength(1);
    expect(await status()).toBe(told);
    const filter = { names: [], labels: {}, olderThanSeconds: null };
    expect(await world.engine.hostings.list(filter, { limit: 5 })).toMatchObject([{ status: told }]);
    for (const [name, state] of before) world.host.domains.set(name, state);
    world.host.silent.clear();
    world.host.node.state = {};
    expect(await kinds()).toEqual([]);
    expect(await status()).toBe('running');
  },
);

it.each(['shut off', 'paused'])(
  'starts a VM that is %s when its owner wakes it, whatever the last look found',
  async (state) => {
    world.host.domains.set(mine.vmName, state);
    const operation = await world.engine.sleep.wake(user);
    expect(operation).not.toBeNull();
    await world.work(mine.id);
    expect([world.host.domains.get(mine.vmName), await status()]).toEqual(['running', 'running']);
    expect(await world.engine.sleep.wake(user)).toBeNull();
  },
);

it('the look for troubles leaves a hosting that is worked on to the next look', async () => {
  world.host.domains.set(mine.vmName, 'shut off');
  await world.engine.sleep.wake(user);
  await world.work(mine.id);
  await world.engine.hostings.delete(user);
  world.host.domains.set(mine.vmName, 'shut off');
  expect(await kinds()).toEqual([]);
});

it('the look for troubles resumes a VM that had no disk space once there is some, and none that someone paused', async () => {
  world.host.domains.set(mine.vmName, 'paused');
  expect(await kinds()).toEqual(['paused-vm']);
  world.host.reasons.set(mine.vmName, 'I/O error');
  world.host.node.state = { poolFreeBytes: 0 };
  expect((await kinds()).sort()).toEqual(['paused-vm', 'pool-full']);
  expect(world.host.domains.get(mine.vmName)).toBe('paused');
  world.host.node.state = {};
  await lookForTroubles(world.parts);
  expect(world.host.domains.get(mine.vmName)).toBe('running');
});

it('the doctor mends what is missing on the node, and names what it cannot mend', async () => {
  world.host.node.state = {
    ...{ network: 'inactive', pool: 'inactive', logDaemon: false, kvm: 'closed' },
    overlaps: ['10.90.1.0/24 dev tun0'],
  };
  const options = { who: 'mina', unknown: false, handover: new AbortController().signal };
  const { findings } = await sweep(world.parts);
  await fix(world, findings, options);
  expect((await sweep(world.parts)).findings.map(({ kind }) => kind)).toEqual(['network-overlap']);
});

it('node prepare mends before it says that the node is ready', async () => {
  world.host.node.state = { network: 'inactive', logDaemon: false };
  const told: string[] = [];
  const onEvent = (message: string): void => void told.push(message);
  await machineOperator(world, { who: 'mina', handover: new AbortController().signal }).prepareNode(onEvent);
  expect(told.filter((message) => message.startsWith('fixed'))).toHaveLength(2);
  expect(world.host.node.state).toMatchObject({ network: 'active', logDaemon: true });
});
