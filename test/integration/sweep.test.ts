/** Sweeping and mending with real records and a fake host. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { User } from '../../engine/model/account';
import { EngineError } from '../../engine/base/errors';
import { isoName, rootVolumeName, vmNameOf } from '../../engine/machine/libvirt/names';
import { insertOperation } from '../../engine/store/operations';
import { recordSweep } from '../../engine/store/sweeps';
import { takeTurn } from '../../engine/store/turns';
import { fix, type Mended, sweep } from '../../engine/sweep';
import { openWorld, type World } from '../worlds/world';
import { stackWorkspace } from '../../engine/machine/terraform/workspace';
import {
  keepFirstResourceName,
  loseReservations,
  loseResourceNames,
  sealWithUnknownKey,
} from '../support/rows';
import { definitionOf } from '../support/definitions';

jest.setTimeout(20_000);

let world: World;
let user: User;
let hostingId: string;
beforeEach(async () => {
  world = await openWorld();
  user = await world.newUser();
  hostingId = (await world.engine.hostings.create(user, {})).hosting.id;
  await world.work(hostingId);
  await world.parts.routePublisher.publish();
});
afterEach(() => world.close());

async function found(): Promise<string[]> {
  return (await sweep(world.parts)).findings.map((finding) => finding.kind).sort();
}

async function mend(options: { unknown?: boolean } = {}): Promise<Mended[]> {
  const { findings } = await sweep(world.parts);
  const handover = new AbortController().signal;
  return fix(world, findings, { who: 'operator tests', unknown: options.unknown ?? true, handover });
}

/** What a hosting of this id would have. */
function plant(id: string): void {
  const pool = world.config.POOL_NAME;
  world.host.domains.set(vmNameOf(id), 'running');
  world.host.marks.set(vmNameOf(id), { hostingId: id, pool });
  for (const name of [rootVolumeName(id), isoName(id)]) world.host.volumes.add(`${pool}/${name}`);
  mkdirSync(stackWorkspace(world.config, id), { recursive: true });
}

it('a sweep finds nothing after a create, nor after its delete', async () => {
  expect(await found()).toEqual([]);
  await world.engine.hostings.delete(user);
  await world.work(hostingId);
  expect(await found()).toEqual([]);
});

it('one operation mends all findings about one hosting', async () => {
  const id = randomUUID();
  plant(id);
  expect(await found()).toEqual(['orphan-domain', 'orphan-iso', 'orphan-volume', 'orphan-workspace']);
  expect((await mend()).map(({ result }) => result)).toEqual(['fixed', 'fixed', 'fixed', 'fixed']);
  expect(await found()).toEqual([]);
  const operations: unknown[] = await world.parts.database.direct.query(
    `SELECT 1 FROM operations WHERE kind = 'remove-orphan'`,
  );
  expect(operations).toHaveLength(1);
});

it('the doctor leaves what the database has never known, unless told otherwise', async () => {
  plant(randomUUID());
  expect(new Set((await mend({ unknown: false })).map(({ result }) => result))).toEqual(
    new Set(['withheld']),
  );
  expect(world.host.domains.size).toBe(2);
});

it('a sweep names an SSH port that another program holds, and whose it is', async () => {
  const [{ ssh_port: port } = { ssh_port: 0 }]: { ssh_port: number }[] =
    await world.parts.database.direct.query(`SELECT ssh_port FROM hostings WHERE id = $1`, [hostingId]);
  world.host.heldPorts = [{ port, holder: 'python3 (process 12)' }];
  expect((await sweep(world.parts)).findings).toEqual([
    expect.objectContaining({
      kind: 'held-port',
      stackId: hostingId,
      detail: `SSH to ${vmNameOf(hostingId)} is not served; held by python3 (process 12)`,
    }),
  ]);
});

it('the doctor frees what an ended hosting still holds', async () => {
  await world.engine.hostings.delete(user);
  await world.work(hostingId);
  const { direct } = world.parts.database;
  await direct.query(`INSERT INTO routes VALUES ($1)`, [hostingId]);
  await direct.query(`INSERT INTO ssh_ports VALUES (10000, $1)`, [hostingId]);
  await direct.query(`INSERT INTO address_leases SELECT node, ip, id FROM hostings WHERE id = $1`, [
    hostingId,
  ]);
  // what has ended is not served, whatever its row says
  expect(await found()).toEqual(['orphan-address', 'orphan-port', 'orphan-route']);
  expect((await mend({ unknown: false })).every(({ result }) => result === 'fixed')).toBe(true);
  expect(await found()).toEqual([]);
  expect((await world.engine.hostings.get(user, hostingId)).status).toBe('deleted');
});

it('the removal of orphans never removes a living hosting', async () => {
  const { id } = await insertOperation(world.parts.database.direct, {
    kind: 'remove-orphan',
    stackId: hostingId,
    hostingId,
    steps: definitionOf('remove-orphan').steps,
  });
  await world.work(hostingId);
  const [row] = (await world.parts.database.direct.query(
    `SELECT status, failure_code FROM operations WHERE id = $1`,
    [id],
  )) as unknown[];
  expect(row).toEqual({ status: 'stuck', failure_code: 'not_an_orphan' });
  expect(world.host.domains.size).toBe(1);
});

it('a sweep leaves a hosting alone that is being created', async () => {
  const other = await world.newUser();
  const { hosting } = await world.engine.hostings.create(other, {});
  plant(hosting.id);
  expect(await found()).toEqual([]);
});

it('a sweep reports a stuck delete, and the doctor finishes it once its cause is gone', async () => {
  await world.engine.hostings.delete(user);
  const gone = new EngineError('libvirt_unavailable', 'libvirt does not answer', { retryable: true });
  world.host.faults.fail('publish', gone, 99);
  await world.work(hostingId);
  const stuck = (await sweep(world.parts)).findings.find(({ kind }) => kind === 'stuck-operation');
  expect(stuck).toMatchObject({ stackId: hostingId, detail: 'libvirt does not answer' });
  expect((await mend()).filter(({ result }) => result === 'failed')).not.toEqual([]);
  world.host.faults.clear();
  await mend();
  expect(await found()).toEqual([]);
  expect((await world.engine.hostings.get(user, hostingId)).status).toBe('deleted');
});

it('the doctor undoes a stuck create once its cause is gone', async () => {
  const other = await world.newUser();
  const { hosting, operation } = await world.engine.hostings.create(other, {});
  const gone = new EngineError('libvirt_unavailable', 'libvirt does not answer', { retryable: true });
  world.host.faults.fail('ssh', new EngineError('guest_unreachable', 'no answer'));
  world.host.faults.fail('inventory', gone, 99);
  await world.work(hosting.id);
  expect((await world.engine.operations.get(other, operation.id)).status).toBe('stuck');
  world.host.faults.clear();
  expect(await found()).toEqual(['stuck-operation']);
  expect((await mend()).map(({ result }) => result)).toEqual(['fixed']);
  expect((await world.engine.operations.get(other, operation.id)).status).toBe('failed');
  expect(await found()).toEqual([]);
});

it('the doctor restores a lost reservation, but not one that someone else has by now', async () => {
  const { direct } = world.parts.database;
  const other = await world.newUser();
  await loseReservations(direct, 'ssh_ports');
  await loseReservations(direct, 'routes');
  const { hosting } = await world.engine.hostings.create(other, {});
  await world.work(hosting.id);
  expect(hosting.sshPort).toBe((await world.engine.hostings.mine(user)).sshPort);
  expect(await found()).toEqual(['missing-port', 'missing-route']);
  expect(new Set((await mend()).map(({ result }) => result))).toEqual(new Set(['failed']));
  expect(await found()).toEqual(['missing-port', 'missing-route']);
  const [row] = (await direct.query(`SELECT hosting_id FROM ssh_ports`)) as { hosting_id: string }[];
  expect(row?.hosting_id).toBe(hosting.id);
});

it('a sweep reports a state that another key sealed as missing', async () => {
  await sealWithUnknownKey(world.parts.database.direct, { id: hostingId });
  expect(await found()).toEqual(['missing-state']);
});

it('a sweep opens no state whose resource names are stored, and one of an earlier version once', async () => {
  const { direct } = world.parts.database;
  let opened = 0;
  const box = world.parts.secretBox;
  const secretBox = {
    ...box,
    open: (sealed: Buffer, context: string) => (opened++, box.open(sealed, context)),
  };
  const looks = async (): Promise<string[]> =>
    (await sweep({ ...world.parts, secretBox })).findings.map(({ kind }) => kind);
  expect(await looks()).toEqual([]);
  expect(opened).toBe(0);
  await loseResourceNames(direct);
  expect([await looks(), await looks(), await looks()]).toEqual([[], [], []]);
  expect(opened).toBe(1);
  await keepFirstResourceName(direct);
  expect(await looks()).toEqual(['untracked-resource', 'untracked-resource']);
});

it('a sweep says that it could not look when libvirt does not answer', async () => {
  world.host.faults.fail('inventory', new EngineError('libvirt_unavailable', 'gone', { retryable: true }));
  await expect(sweep(world.parts)).rejects.toMatchObject({ code: 'libvirt_unavailable' });
});

it('one of many workers takes the turn to sweep, and the newest reports are kept', async () => {
  const { direct } = world.parts.database;
  const turns = await Promise.all(Array.from({ length: 8 }, () => takeTurn(direct, 'sweep', 300)));
  expect(turns.filter(Boolean)).toHaveLength(1);
  expect(await takeTurn(direct, 'sweep', 0)).toBe(true);
  const report = await sweep(world.parts);
  await recordSweep(direct, report);
  const [row]: unknown[] = await direct.query(`SELECT at, ms, findings FROM sweeps ORDER BY id DESC LIMIT 1`);
  expect(row).toEqual(report);
});
