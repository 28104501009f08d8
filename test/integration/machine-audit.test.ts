/**
 * What is done on the machine itself leaves exactly one record for each change, under the name of who did it. Every
 * command, every action and every kind of operation is named here: one that is added without a line fails, or does not
 * compile.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { everyCommand } from '../../cli/facts';
import { operatorName } from '../../cli/operator-name';
import { buildProgram } from '../../cli/program';
import { routes } from '../../api/routes';
import { makeBackup, restoreBackup } from '../../engine/backup';
import type { BundleFile } from '../../engine/ejection';
import type { AuditEntry } from '../../engine/model/audit';
import type { OperationKind } from '../../engine/model/operation';
import { vmNameOf } from '../../engine/machine/libvirt/names';
import { createLog } from '../../engine/base/log';
import { type MachineAction, machineActions, theService } from '../../engine/audit';
import { machineOperator, withConnected } from '../../engine/operator';
import { keepPool } from '../../engine/hostings';
import { listAudit } from '../../engine/store/audit';
import { openDatabase } from '../../engine/store/database';
import { fakeParts } from '../worlds/fake-parts';
import { emptyDatabase } from '../support/postgres';
import { ejected, readFrom } from '../support/scenarios';
import { openWorld, type World } from '../worlds/world';
import { asIfUnprepared } from '../support/rows';

jest.setTimeout(60_000);

const who = 'operator mina';
const never = new AbortController().signal;
const teardown = { dryRun: false, parallel: 2, handover: never, onResult: () => undefined };

let world: World;
let hostingId: string;
let vmName: string;
beforeEach(async () => {
  world = await openWorld({ WARM_POOL_BOOTS: '9' });
  const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
  ({ id: hostingId, vmName } = hosting);
  await world.work(hostingId);
  await world.parts.routePublisher.publish();
});
afterEach(() => world.close());

const sql = <T>(text: string): Promise<T[]> => world.parts.database.direct.query(text);
const records = (): Promise<AuditEntry[]> => listAudit(world.parts.database.direct, { limit: 200 });
const operationsThereAre = () => sql<{ id: string; kind: OperationKind }>(`SELECT id, kind FROM operations`);
const onMachine = () => machineOperator(world, { who, handover: never });
const machine = () => onMachine().accounts;
const operator = () => onMachine().hostings;
const quietly = () => undefined;
const email = 'u1@example.org';
const token = { name: 'x', scopes: ['hosting:read'], days: 1 } as const;

/** What no database knows, in libvirt. */
function plantOrphan(): void {
  const id = randomUUID();
  world.host.domains.set(vmNameOf(id), 'running');
  world.host.marks.set(vmNameOf(id), { hostingId: id, pool: world.config.POOL_NAME });
}

async function ejectOnly(): Promise<readonly BundleFile[]> {
  return ejected(world, vmName);
}

async function restoreElsewhere(): Promise<AuditEntry[]> {
  const file = path.join(world.config.DATA_DIR, 'backup');
  await makeBackup(world.config, file, { existing: 'refuse', signal: never });
  const config = { ...world.config, DATABASE_URL: await emptyDatabase() };
  await restoreBackup(
    config,
    createLog('silent'),
    file,
    {
      ...{ who, existing: 'refuse', stateKey: 'of the backup', signal: never },
      ...{ onEvent: () => undefined, onResult: () => undefined },
    },
    fakeParts(world.host),
  );
  const restored = await openDatabase(config.DATABASE_URL);
  try {
    return await listAudit(restored.direct, { limit: 200 });
  } finally {
    await restored.close();
  }
}

interface Case {
  /** What must be there before it. */
  readonly prepare?: () => Promise<unknown>;
  /** @returns records that are elsewhere; those of the world otherwise */
  readonly act: () => Promise<unknown>;
  readonly elsewhere?: true;
  readonly actor?: string;
  /** @default done */
  readonly outcome?: 'begun';
  /** Actions that are recorded besides, each of a change of its own. */
  readonly besides?: readonly MachineAction[];
}

const cases: Readonly<Record<MachineAction, Case>> = {
  'admin create': {
    act: () =>
      machine().createAdmin({ email: 'a@example.org', username: 'root-of-all', password: 'x'.repeat(20) }),
  },
  'admin grant': { act: () => machine().setRole(email, 'admin') },
  'admin revoke': { act: () => machine().setRole(email, 'user') },
  'admin sign out': { act: () => machine().signOut(email, { apiTokens: 'stay' }) },
  'username release': {
    prepare: () => sql(`INSERT INTO retired_usernames (username) VALUES ('gone')`),
    act: () => machine().releaseUsername('Gone '),
  },
  'token create': { act: () => machine().createToken(email, token) },
  'token revoke': {
    prepare: () => machine().createToken(email, token),
    act: async () => machine().revokeToken(email, (await machine().listTokens(email))[0]!.id),
  },
  'keys rotate': { act: () => machine().rotateKeys({ onBatch: () => undefined, signal: never }) },
  label: {
    act: async () =>
      operator().label((await operator().find(vmName)).username, { set: { course: 'cs101' }, remove: [] }),
  },
  apply: {
    prepare: () => Promise.resolve(world.host.domains.clear()),
    act: () => operator().apply(hostingId, { recreateDisk: false, agreed: null }, () => undefined),
  },
  teardown: {
    act: async () => operator().tearDown([await operator().find(vmName)], teardown),
  },
  eject: {
    act: () =>
      onMachine().eject(vmName, { write: () => Promise.resolve(), discard: () => Promise.resolve() }),
  },
  adopt: {
    prepare: async () => (bundle = await ejectOnly()),
    act: () => onMachine().adopt(readFrom(bundle)),
  },
  sleep: { act: () => onMachine().putToSleep(vmName, { force: false }) },
  wake: {
    prepare: () => onMachine().putToSleep(vmName, { force: false }),
    act: () => onMachine().wakeUp(vmName, { cold: false }),
  },
  'doctor fix': {
    prepare: () => Promise.resolve(plantOrphan()),
    act: () => onMachine().examine({ fix: true, unknown: true }),
  },
  restore: { act: restoreElsewhere, elsewhere: true },
  'node prepare': {
    prepare: () => asIfUnprepared(world.parts.database.direct),
    act: () => onMachine().prepareNode(quietly),
  },
  'node remove': {
    prepare: async () => {
      await asIfUnprepared(world.parts.database.direct);
      await onMachine().prepareNode(quietly);
    },
    act: () => onMachine().removeEverything(quietly),
    besides: ['teardown'],
  },
  'spare make': {
    prepare: () => Promise.resolve(void Object.assign(world.config, { WARM_POOL_SIZE: 1 })),
    act: () => keepPool(world.parts, 'trust'),
    actor: theService,
    outcome: 'begun',
  },
  'spare remove': {
    prepare: async () => {
      Object.assign(world.config, { WARM_POOL_SIZE: 1 });
      await keepPool(world.parts, 'trust');
      const [spare] = await sql<{ id: string }>(`SELECT id FROM hostings WHERE status = 'warming'`);
      await world.work(spare!.id);
      Object.assign(world.config, { WARM_POOL_SIZE: 0 });
    },
    act: () => keepPool(world.parts, 'trust'),
    actor: theService,
    outcome: 'begun',
  },
};
let bundle: readonly BundleFile[] = [];

/** Of every kind: by which recorded actions and routes it is begun. */
const begunBy: Readonly<Record<OperationKind, readonly string[] | 'changes nothing'>> = {
  'create-hosting': ['createHosting'],
  'delete-hosting': ['deleteMyHosting', 'removeHosting', 'teardown'],
  'prepare-node': ['node prepare'],
  'remove-node': ['node remove'],
  'remove-orphan': ['doctor fix'],
  'plan-apply': 'changes nothing',
  'apply-hosting': ['applyMyHosting', 'applyHosting', 'apply'],
  'plan-create': 'changes nothing',
  'plan-delete': 'changes nothing',
  'eject-hosting': ['eject'],
  'adopt-hosting': ['adopt'],
  'make-spare': ['spare make'],
  // what the service does to whom nobody visits, and visitors to whom sleeps, stands in the operations
  'sleep-hosting': ['sleep'],
  'wake-hosting': ['wake', 'wakeMyHosting'],
  'claim-spare': ['createHosting'],
  'remove-spare': ['spare remove', 'teardown'],
};

/** Of every command: what it leaves in the audit log when it works on this machine, or why nothing. */
const commands: Readonly<Record<string, readonly MachineAction[] | string>> = {
  plan: 'reads',
  apply: ['apply'],
  drift: 'reads',
  'runs list': 'reads',
  'runs show': 'reads',
  operations: 'reads',
  label: ['label'],
  teardown: ['teardown'],
  login: 'is recorded by the service',
  logout: 'forgets a token on this machine; the service is not asked',
  doctor: ['doctor fix'],
  backup: 'reads',
  restore: ['restore'],
  eject: ['eject'],
  adopt: ['adopt'],
  sleep: ['sleep'],
  wake: ['wake'],
  version: 'reads',
  'admin create': ['admin create'],
  'admin grant': ['admin grant'],
  'admin revoke': ['admin revoke'],
  'admin sign-out': ['admin sign out'],
  'admin release-username': ['username release'],
  'token create': ['token create'],
  'token list': 'reads',
  'token revoke': ['token revoke'],
  audit: 'reads',
  'image list': 'reads',
  'image build': 'writes an image, before there is a database',
  'image verify': 'reads',
  'node prepare': ['node prepare'],
  'keys rotate': ['keys rotate'],
  'service check-config': 'reads',
  'service postgres-start': 'starts a program',
  'service postgres-stop': 'ends a program',
  'service purge-stacks': ['teardown', 'node remove'],
  'service nginx-stop': 'ends a program',
  completion: 'reads',
};

it('this test names every command, and every action by a command or the service itself', () => {
  const leaves = everyCommand(buildProgram())
    .filter(({ command: each }) => each.commands.length === 0)
    .map(({ name }) => name.replace(/^webhoster /, ''));
  expect(leaves.sort()).toEqual(Object.keys(commands).sort());
  const byCommands = Object.values(commands).flatMap((each) => (typeof each === 'string' ? [] : each));
  const byItself = machineActions.filter((action) => cases[action].actor === theService);
  expect(new Set([...byCommands, ...byItself])).toEqual(new Set(machineActions));
});

it('every kind of operation begins with routes or actions that exist and are recorded', () => {
  const changing = routes.filter(({ method }) => method !== 'get').map(({ name }) => name);
  const known = new Set<string>([...changing, ...machineActions]);
  for (const [kind, begun] of Object.entries(begunBy))
    if (begun !== 'changes nothing')
      expect([kind, begun.filter((each) => !known.has(each))]).toEqual([kind, []]);
});

it.each(machineActions)('%s leaves exactly one audit record', async (action) => {
  const { prepare, act, actor = who, outcome = 'done', elsewhere, besides = [] } = cases[action];
  await prepare?.();
  const before = new Set((await records()).map(({ id }) => id));
  const begun = new Set((await operationsThereAre()).map(({ id }) => id));
  const result = await act();
  const left = elsewhere ? (result as AuditEntry[]) : await records();
  const made = left.filter(({ id }) => !before.has(id));
  expect(made.map((record) => record.action).sort()).toEqual([action, ...besides].sort());
  for (const record of made)
    expect(record).toMatchObject({
      ...{ userId: null, actor, via: 'machine', address: 'local', requestId: null },
      ...{ outcome, code: null },
    });
  const kinds = (await operationsThereAre()).filter(({ id }) => !begun.has(id));
  const recorded = new Set<string>([action, ...besides]);
  for (const { kind } of kinds) {
    const by = begunBy[kind];
    if (by !== 'changes nothing') expect([kind, by.some((each) => recorded.has(each))]).toEqual([kind, true]);
  }
});

it('runs name who asked for them, as the audit log does, whoever owns the hosting', async () => {
  await operator().plan(hostingId);
  await operator().apply(hostingId, { recreateDisk: false, agreed: null }, () => undefined);
  const hosting = await operator().find(vmName);
  await operator().tearDown([hosting], { ...teardown, dryRun: true });
  await operator().tearDown([hosting], teardown);
  const runs = await sql<{ kind: string; by: string | null }>(
    `SELECT r.kind, o.requested_by AS by FROM runs r JOIN operations o ON o.id = r.operation_id
     WHERE r.stack_id = '${hostingId}' AND o.kind <> 'create-hosting'`,
  );
  expect(runs.length).toBeGreaterThan(3);
  expect(new Set(runs.map(({ by }) => by))).toEqual(new Set([who]));
  const [newest] = await operator().runs(hostingId, 1);
  expect(newest).toMatchObject({ kind: 'destroy', requestedBy: who });
});

it('measurements of a command are added to those of the service', async () => {
  const counted = (): Promise<{ n: string }[]> =>
    sql(`SELECT coalesce(sum((SELECT sum(b) FROM unnest(buckets) b)), 0) AS n FROM measures
         WHERE labels->>'kind' = 'plan-apply'`);
  expect(await counted()).toEqual([{ n: '0' }]);
  await withConnected(
    world.config,
    createLog('silent'),
    (engine) => machineOperator(engine, { who, handover: never }).hostings.plan(hostingId),
    fakeParts(world.host),
  );
  expect(Number((await counted())[0]?.n)).toBeGreaterThan(0);
});

it('a change that fails leaves one audit record with the reason', async () => {
  world.host.domains.clear();
  await expect(
    operator().apply(hostingId, { recreateDisk: false, agreed: ['something else'] }, () => undefined),
  ).rejects.toMatchObject({ code: 'plan_changed' });
  expect(await records()).toMatchObject([
    { action: 'apply', target: hostingId, outcome: 'failed', code: 'plan_changed', actor: who },
  ]);
});

it('a teardown of several leaves a record for each, including the one that fails', async () => {
  const other = await world.engine.hostings.create(await world.newUser(), {});
  await world.work(other.hosting.id);
  const gone = { ...(await operator().find(vmName)), id: randomUUID() };
  await operator().tearDown([gone, await operator().find(other.hosting.vmName)], {
    ...teardown,
    parallel: 1,
  });
  expect((await records()).map(({ target, outcome, code }) => [target, outcome, code])).toEqual([
    [other.hosting.id, 'done', null],
    [gone.id, 'failed', 'hosting_not_found'],
  ]);
});

it('several findings about one stack leave one audit record', async () => {
  const id = randomUUID();
  const pool = world.config.POOL_NAME;
  world.host.domains.set(vmNameOf(id), 'running');
  world.host.marks.set(vmNameOf(id), { hostingId: id, pool });
  world.host.volumes.add(`${pool}/${id}-root.qcow2`);
  await onMachine().examine({ fix: true, unknown: true });
  expect(await records()).toMatchObject([{ action: 'doctor fix', target: expect.stringContaining(id) }]);
});

it('reading and planning leave no audit record', async () => {
  const { find, select, plan, planNew, runs, run, drift, operations, tearDown } = operator();
  const hosting = await find(vmName);
  await select({ names: [], labels: {}, olderThanSeconds: null });
  await plan(hosting.id);
  await planNew((await world.newUser()).username);
  const [first] = await runs(hosting.id, 5);
  await run(first!.id);
  await drift();
  await operations({ limit: 5 });
  await tearDown([hosting], { ...teardown, dryRun: true });
  await machine().listTokens(email);
  await machine().listAudit({ limit: 5 });
  await onMachine().examine({ fix: false, unknown: false });
  await makeBackup(world.config, path.join(world.config.DATA_DIR, 'b'), {
    existing: 'refuse',
    signal: never,
  });
  expect(await records()).toEqual([]);
});

it('a node that is in order is not prepared again, and nothing is recorded', async () => {
  await asIfUnprepared(world.parts.database.direct);
  await onMachine().prepareNode(quietly);
  expect(await onMachine().prepareNode(quietly)).toBeNull();
  expect(await records()).toHaveLength(1);
});

it('a record names the user who became root, and a line break in a name cannot forge one', () => {
  expect(operatorName({ SUDO_USER: 'mina' })).toBe('operator mina');
  expect(operatorName({ SUDO_USER: 'mina\nanonymous' })).toBe('operator unknown');
  expect(operatorName({})).toMatch(/^operator [A-Za-z0-9._-]+$/);
});
