/** Hostings that sleep: what every part of the service makes of them, on a fake host. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError } from '../../engine/base/errors';
import { eject } from '../../engine/ejection';
import { livingHostingCounts } from '../../engine/store/counts';
import { planReport, plans } from '../../engine/plans';
import { acceptSleep, acceptWake, letIdleSleep, wakeFor, waker } from '../../engine/sleep';
import { getHosting, getOwnedHosting } from '../../engine/store/hostings';
import { getOperation } from '../../engine/store/operations';
import { sweep } from '../../engine/sweep';
import { scenarios } from '../support/scenarios';
import { tracesOf } from '../support/traces';
import { openWorld, type World } from '../worlds/world';
import { endedAgo, readyAgo } from '../support/rows';

// a busy machine takes its time
const never = new AbortController().signal;

let world: World;
let id: string;
let ip: string;
let vmName: string;

async function open(settings: Record<string, string> = {}): Promise<void> {
  world = await openWorld(settings);
}
afterEach(() => world.close());

async function asleep(): Promise<void> {
  await scenarios['wake-hosting'].prepare(world);
  await named();
}

async function awake(): Promise<void> {
  await scenarios['sleep-hosting'].prepare(world);
  await named();
}

async function named(): Promise<void> {
  const [row]: { id: string; ip: string; vm_name: string }[] = await world.parts.database.direct.query(
    `SELECT id, host(ip) AS ip, vm_name FROM hostings`,
  );
  ({ id, ip, vm_name: vmName } = row!);
}

async function status(): Promise<string> {
  return (await getHosting(world.parts.database.direct, id)).status;
}

async function operationsOf(kind: string): Promise<string[]> {
  const rows: { status: string }[] = await world.parts.database.direct.query(
    `SELECT status FROM operations WHERE kind = $1 ORDER BY created_at`,
    [kind],
  );
  return rows.map((row) => row.status);
}

/** As its owner has it removed. */
async function remove(): Promise<void> {
  const { userId } = await getOwnedHosting(world.parts.database.direct, id);
  await world.engine.hostings.delete({ id: userId } as never);
  await world.work(id);
}

const sleep = (force = false) =>
  world.parts.database.transaction((tx) => acceptSleep(world.parts, tx, id, { force }));
const wake = (cold = false) =>
  world.parts.database.transaction((tx) => acceptWake(world.parts, tx, id, { cold }));

describe('a hosting that runs', () => {
  beforeEach(async () => {
    await open();
    await awake();
  });

  it('a VM is not suspended while someone is connected, unless forced', async () => {
    world.host.connected.add(ip);
    const busy = await sleep();
    await world.work(id);
    expect(await getOperation(world.parts.database.direct, busy!.id)).toMatchObject({
      status: 'failed',
      failure: { code: 'hosting_busy' },
    });
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['running', 'running']);
    expect(world.host.routes[0]).not.toHaveProperty('asleep');
    await sleep(true);
    await world.work(id);
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['sleeping', 'saved']);
  });

  it('a VM keeps running if saving it would take the machine’s last disk space', async () => {
    world.host.node.state = { poolFreeBytes: 1024 * 1024 ** 2 };
    const failed = await sleep();
    await world.work(id);
    expect(await getOperation(world.parts.database.direct, failed!.id)).toMatchObject({
      status: 'failed',
      failure: { code: 'disk_full' },
    });
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['running', 'running']);
  });

  it('a VM is not suspended while another operation works on it', async () => {
    const { id: plan } = await plans(world.parts).request('operator', id);
    await expect(sleep()).rejects.toMatchObject({ code: 'hosting_busy' });
    await world.work(id);
    expect((await getOperation(world.parts.database.direct, plan)).status).toBe('succeeded');
    expect(await sleep()).not.toBeNull();
  });

  it('a hosting’s route leads to the doors before its VM is saved, and back to the VM only once that runs', async () => {
    const order: string[] = [];
    const note = (what: string) => () =>
      void order.push(`${what}: ${world.host.routes[0]?.asleep === id ? 'doors' : 'VM'}`);
    world.host.faults.once('save', note('save'));
    world.host.faults.once('started', note('started'));
    world.host.faults.once('clock', note('clock'));
    await sleep();
    await world.work(id);
    await wake();
    await world.work(id);
    expect(order).toEqual(['save: doors', 'started: doors', 'clock: doors']);
    expect(world.host.routes[0]).not.toHaveProperty('asleep');
  });

  it('a visitor who arrives while a VM falls asleep wakes it', async () => {
    await sleep();
    await wake();
    await wake();
    await world.work(id);
    expect([await operationsOf('sleep-hosting'), await operationsOf('wake-hosting')]).toEqual([
      ['succeeded'],
      ['succeeded'],
    ]);
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['running', 'running']);
  });

  it('a hosting that is removed before it could sleep is not put to sleep', async () => {
    await sleep();
    await remove();
    expect([await operationsOf('sleep-hosting'), await operationsOf('delete-hosting')]).toEqual([
      ['failed'],
      ['succeeded'],
    ]);
    expect((await tracesOf(world)).domains).toEqual([]);
  });
});

describe('a hosting that sleeps', () => {
  beforeEach(async () => {
    await open();
    await asleep();
  });

  it('a sleeping VM is woken once, however many visitors arrive at the same time', async () => {
    const asked = waker(world);
    const visitors = [1, 2, 3].map(() => asked.wake(id));
    const other = waker(world).wake(id);
    const [row]: { port: number }[] = await world.parts.database.direct.query(`SELECT port FROM ssh_ports`);
    const session = asked.wakePort(row!.port);
    while ((await operationsOf('wake-hosting')).length === 0) await new Promise((r) => setTimeout(r, 5));
    await world.work(id);
    for (const woken of [...visitors, other, session]) expect(await woken).toEqual({ ip });
    expect(await operationsOf('wake-hosting')).toEqual(['succeeded']);
    expect(await asked.wake(id)).toEqual({ ip });
    expect(await asked.wakePort(1)).toBe('gone');
    expect(await asked.wake('00000000-0000-4000-8000-000000000000')).toBe('gone');
    expect(await operationsOf('wake-hosting')).toEqual(['succeeded']);
  });

  it('a wake without memory is retried for a while, says why it failed, and the VM sleeps on', async () => {
    world.host.freeMiB = 10;
    const failed = await wake();
    await world.work(id);
    expect(await getOperation(world.parts.database.direct, failed!.id)).toMatchObject({
      status: 'failed',
      failure: {
        code: 'memory_exhausted',
        message: expect.stringContaining('too little free memory') as string,
      },
    });
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['sleeping', 'saved']);
    world.host.freeMiB = 10_000;
    await wake();
    await world.work(id);
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['running', 'running']);
  });

  it('a wake finds memory that becomes free while it is retried', async () => {
    world.host.freeMiB = 10;
    const tell = world.host.inventory.memory;
    let asked = 0;
    Object.assign(world.host.inventory, {
      memory: () => (asked++ === 2 ? (world.host.freeMiB = 10_000) : null, tell()),
    });
    await wake();
    await world.work(id);
    expect(await operationsOf('wake-hosting')).toEqual(['succeeded']);
  });

  it('a wake whose saved memory cannot be read says how to start from disk, and does so on request', async () => {
    const broken = new EngineError('libvirt_unavailable', 'libvirt refused a request');
    world.host.faults.fail('start', broken);
    const failed = await wake();
    await world.work(id);
    expect((await getOperation(world.parts.database.direct, failed!.id)).failure?.message).toContain(
      `webhoster wake ${vmName} --cold`,
    );
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['sleeping', 'saved']);
    await wake(true);
    await world.work(id);
    expect([await status(), world.host.restored]).toEqual(['running', []]);
  });

  it('a VM wakes even if its guest has no agent and answers nobody', async () => {
    world.host.faults.fail('clock', new EngineError('guest_unreachable', 'no agent'));
    world.host.pages.clear();
    await wake();
    await world.work(id);
    expect(await status()).toBe('running');
  });

  it('a plan of a sleeping VM finds no drift and does not touch it', async () => {
    const { id: plan } = await plans(world.parts).request('operator', id);
    await world.work(id);
    expect(await planReport(world.parts.database.direct, plan)).toMatchObject({ differences: [] });
    const rendered = readFileSync(path.join(world.config.workspacesDir, id, 'cdk.tf.json'), 'utf8');
    expect(JSON.parse(rendered)).toMatchObject({ asleep: true });
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['sleeping', 'saved']);
  });

  it('an apply wakes a sleeping VM and then finds it as specified', async () => {
    await plans(world.parts).apply('operator', id, { recreateDisk: false, agreed: null });
    await world.work(id);
    expect(await operationsOf('apply-hosting')).toEqual(['succeeded']);
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['running', 'running']);
    const rendered = readFileSync(path.join(world.config.workspacesDir, id, 'cdk.tf.json'), 'utf8');
    expect(JSON.parse(rendered)).not.toHaveProperty('asleep');
  });

  it('an apply makes a sleeping hosting’s VM again when it is gone', async () => {
    world.host.domains.clear();
    const failed = await wake();
    await world.work(id);
    expect((await getOperation(world.parts.database.direct, failed!.id)).failure?.code).toBe('vm_lost');
    await plans(world.parts).apply('operator', id, { recreateDisk: false, agreed: null });
    await world.work(id);
    expect(await operationsOf('apply-hosting')).toEqual(['succeeded']);
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['running', 'running']);
  });

  it('a sleeping hosting is removed without being woken, and leaves nothing', async () => {
    await remove();
    expect(world.host.restored).toEqual([]);
    const { domains, volumes, served, ports, hostings } = await tracesOf(world);
    expect([domains, volumes, served, ports, hostings]).toEqual([[], [], [], [], []]);
  });

  it('a sleeping hosting is woken before it is ejected, so that its new owner gets a running VM', async () => {
    const target = { write: () => Promise.resolve(), discard: () => Promise.resolve() };
    await eject(world, { who: 'operator tests', handover: never }, vmName, target);
    expect([await status(), world.host.domains.get(vmName)]).toEqual(['ejected', 'running']);
  });

  it('a sleeping hosting is in order for a sweep, and one that was saved behind the service’s back is not', async () => {
    const kinds = async () => (await sweep(world.parts)).findings.map(({ kind, detail }) => [kind, detail]);
    expect(await kinds()).toEqual([]);
    await wakeFor(world, id, never);
    world.host.domains.set(vmName, 'saved');
    expect(await kinds()).toEqual([['stopped-domain', 'saved']]);
  });

  it('a sleeping hosting is counted as sleeping', async () => {
    expect(await livingHostingCounts(world.parts.database.direct)).toEqual([
      { status: 'sleeping', count: 1 },
    ]);
  });

  it('removing a sleeping hosting also ends a stuck wake', async () => {
    await world.parts.database.direct.query(
      `INSERT INTO operations (id, kind, stack_id, hosting_id, status, input)
       VALUES ('00000000-0000-4000-8000-000000000001', 'wake-hosting', $1, $1, 'stuck', '{}')`,
      [id],
    );
    await remove();
    expect(await operationsOf('wake-hosting')).not.toContain('stuck');
  });
});

describe('the look for idle hostings', () => {
  const after = 10 * 60_000;
  let now: number;

  beforeEach(async () => {
    await open({ SLEEP_AFTER_MINUTES: '10' });
    await awake();
    now = Date.now();
  });

  const look = (before: ReadonlyMap<string, number>) => {
    const clock = { ...world.parts.clock, now: () => new Date(now) };
    return letIdleSleep({ ...world.parts, clock }, before, after);
  };
  async function age(): Promise<void> {
    await endedAgo(world.parts.database.direct, '1 h');
    await readyAgo(world.parts.database.direct, '1 h');
  }

  it('a VM goes to sleep when nobody has visited it for long enough since it was first seen, and not before', async () => {
    await age();
    let seen = await look(new Map());
    now += after - 1;
    seen = await look(seen);
    expect(await operationsOf('sleep-hosting')).toEqual([]);
    now += 1;
    seen = await look(seen);
    expect(await operationsOf('sleep-hosting')).toEqual(['pending']);
    now += 1;
    await look(seen);
    expect(await operationsOf('sleep-hosting')).toEqual(['pending']);
  });

  it.each([
    ['visited', () => void world.host.visits.set(ip, now - 1)],
    ['connected', () => void world.host.connected.add(ip)],
  ])('a VM that is %s is not put to sleep', async (_, use) => {
    await age();
    const seen = await look(new Map());
    now += after + 1;
    use();
    await look(seen);
    expect(await operationsOf('sleep-hosting')).toEqual([]);
  });

  it('a VM that an operation just worked on is not put to sleep', async () => {
    const seen = await look(new Map());
    await look(new Map([...seen].map(([key, at]) => [key, at - after])));
    expect(await operationsOf('sleep-hosting')).toEqual([]);
  });
});
