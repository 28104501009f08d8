/** What waits for somebody to go on with it: seen by its owner and by an operator, with what it still owns. */
import { EngineError } from '../../engine/base/errors';
import type { User } from '../../engine/model/account';
import type { Definition } from '../../engine/stack';
import { failsAfter, failsBefore, withRun, withUndo, workWith } from '../support/faulty-steps';
import { type Accepted, scenarios } from '../support/scenarios';
import type { World } from '../worlds/world';
import { definitionOf } from '../support/definitions';

// a busy machine takes its time
let world: World;
afterEach(() => world.close());

const gone = new EngineError('libvirt_unavailable', 'libvirt does not answer', { retryable: true });
const operator = { id: -1, role: 'admin' } as User;

/** Accepts an operation of this kind in a world where it has just become stuck. */
async function stuck(definition: Definition): Promise<Accepted> {
  const scenario = scenarios[definition.kind];
  world = await scenario.open();
  await scenario.prepare(world);
  const accepted = await scenario.accept(world);
  await workWith(world, accepted.stackId, definition);
  return accepted;
}

const get = ({ operationId }: Accepted) => world.engine.operations.get(operator, operationId);

const everything = (id: string): string[] => [
  `domain vm-${id.slice(0, 8)} (running)`,
  `volume ${id}.qcow2`,
  `volume ${id}-cidata.iso`,
  'SSH port 10000',
  'address 10.90.0.2',
  'route /1',
  'workspace',
  'Terraform state',
];

describe('a stuck operation', () => {
  it('a stuck removal that could not begin names everything', async () => {
    const accepted = await stuck(withRun(definitionOf('delete-hosting'), 'destroy', failsBefore));
    const operation = await get(accepted);
    expect(operation).toMatchObject({ status: 'stuck', failure: { message: 'planned failure' } });
    expect(operation.owns).toEqual(everything(accepted.stackId));
  });

  it.each([
    ['destroy', ['SSH', 'address', 'workspace', 'Terraform']],
    ['forget', ['SSH', 'address']],
    ['release', []],
  ])('a removal that is stuck after %s names only what is left', async (step, left) => {
    const { owns } = await get(await stuck(withRun(definitionOf('delete-hosting'), step, failsAfter)));
    expect(owns.map((owned) => owned.split(' ')[0])).toEqual(left);
  });

  it('a stuck create names what it could not undo', async () => {
    const definition = withUndo(
      withRun(definitionOf('create-hosting'), 'ready', failsAfter),
      'apply',
      failsBefore,
    );
    const accepted = await stuck(definition);
    const operation = await get(accepted);
    expect(operation.status).toBe('stuck');
    expect(operation.owns).toEqual(everything(accepted.stackId).filter((owned) => owned !== 'route /1'));
  });

  it('what a stuck operation owns is shown to anyone who waits for it, and no longer once it continues', async () => {
    const accepted = await stuck(withRun(definitionOf('delete-hosting'), 'destroy', failsBefore));
    const waited = await world.engine.operations.wait(accepted.operationId, { timeoutMs: 1_000 });
    expect(waited.owns).toEqual(everything(accepted.stackId));
    await world.engine.hostings.delete({ ...operator, id: 1 });
    expect((await get(accepted)).owns).toEqual([]);
    await world.work(accepted.stackId);
    expect(await get(accepted)).toMatchObject({ status: 'succeeded', owns: [] });
  });

  it('a stuck operation says what it knows and what it does not when libvirt does not answer', async () => {
    const accepted = await stuck(withRun(definitionOf('delete-hosting'), 'destroy', failsBefore));
    world.host.faults.fail('inventory', gone);
    expect((await get(accepted)).owns).toEqual([
      'unknown: libvirt does not answer',
      ...everything(accepted.stackId).slice(3),
    ]);
  });

  it('the list of what a stuck operation owns does not wait for a libvirt that hangs', async () => {
    const accepted = await stuck(withRun(definitionOf('delete-hosting'), 'destroy', failsBefore));
    world.host.faults.once('inventory', () => new Promise(() => undefined));
    expect((await get(accepted)).owns[0]).toBe('unknown: libvirt does not answer');
  });

  it('a stuck operation of a node names its pool, network and images', async () => {
    const accepted = await stuck(withRun(definitionOf('remove-node'), 'destroy', failsBefore));
    expect((await get(accepted)).owns).toEqual([
      'pool vm-webhoster',
      'network vm-webhoster',
      'volume base-micro-cccccccccccccccc.qcow2',
      'workspace',
      'Terraform state',
    ]);
    world.host.active.delete('network vm-webhoster');
    expect((await get(accepted)).owns[0]).toBe(
      'perhaps pool vm-webhoster or network vm-webhoster: not both are active',
    );
  });
});

describe('the list of operations', () => {
  it('the list of operations shows everybody’s, newest first, and no more than asked for', async () => {
    world = await scenarios['create-hosting'].open();
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) {
      const { hosting, operation } = await world.engine.hostings.create(await world.newUser(), {});
      ids.unshift(operation.id);
      expect((await world.engine.operations.list({ limit: 1 }))[0]).toMatchObject({
        id: operation.id,
        kind: 'create-hosting',
        userId: count + 1,
        vmName: hosting.vmName,
        owns: [],
        steps: expect.arrayContaining([expect.objectContaining({ name: 'apply' })]) as unknown,
      });
    }
    const listed = (options: Parameters<typeof world.engine.operations.list>[0]) =>
      world.engine.operations.list(options).then((all) => all.map(({ id }) => id));
    expect(await listed({ limit: 50 })).toEqual(ids);
    expect(await listed({ limit: 2 })).toEqual(ids.slice(0, 2));
    expect(await listed({ limit: 50, status: 'stuck' })).toEqual([]);
    expect(await listed({ limit: 50, status: 'pending' })).toEqual(ids);
  });

  it('the list of operations holds at most 200, whoever asks', async () => {
    world = await scenarios['create-hosting'].open();
    await world.parts.database.direct.query(
      `INSERT INTO operations (id, kind, stack_id, status)
       SELECT gen_random_uuid(), 'plan-apply', gen_random_uuid(), 'succeeded' FROM generate_series(1, 250)`,
    );
    expect(await world.engine.operations.list({ limit: 1_000 })).toHaveLength(200);
  });

  it('the list of operations shows what stuck ones own, and asks libvirt once for all of them', async () => {
    const first = await stuck(withRun(definitionOf('delete-hosting'), 'destroy', failsBefore));
    const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
    await world.work(hosting.id);
    const [row]: { user_id: number }[] = await world.parts.database.direct.query(
      `SELECT user_id FROM hostings WHERE id = '${hosting.id}'`,
    );
    const second = await world.engine.hostings.delete({ ...operator, id: row!.user_id });
    await workWith(world, hosting.id, withRun(definitionOf('delete-hosting'), 'destroy', failsBefore));
    const asked = () => world.host.faults.visited.filter((point) => point === 'inventory').length;
    const before = asked();
    const [newer, older, ...others] = await world.engine.operations.list({ status: 'stuck', limit: 50 });
    expect(asked() - before).toBe(1);
    expect(others).toEqual([]);
    expect(newer).toMatchObject({ id: second.id, vmName: hosting.vmName });
    expect(newer?.owns).toContain('SSH port 10001');
    expect(older).toMatchObject({ id: first.operationId, owns: everything(first.stackId) });
  });

  it('the list of operations names the VM of an orphan that the database never knew', async () => {
    world = await scenarios['remove-orphan'].open();
    const id = '1a2b3c4d-0000-4000-8000-000000000000';
    await world.parts.database.direct.query(
      `INSERT INTO operations (id, kind, stack_id, status) VALUES (gen_random_uuid(), 'remove-orphan', '${id}', 'stuck')`,
    );
    world.host.volumes.add(`${world.config.POOL_NAME}/${id}.qcow2`);
    expect(await world.engine.operations.list({ limit: 1 })).toMatchObject([
      { vmName: 'vm-1a2b3c4d', hostingId: null, owns: [`volume ${id}.qcow2`] },
    ]);
  });
});
