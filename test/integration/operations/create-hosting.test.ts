import { EngineError } from '../../../engine/base/errors';
import { openWorld, type World } from '../../worlds/world';
import { definitionOf } from '../../support/definitions';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

async function tables(): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  for (const table of ['ssh_ports', 'address_leases', 'routes']) {
    const [row] = (await world.parts.database.direct.query(`SELECT count(*)::int AS n FROM ${table}`)) as {
      n: number;
    }[];
    counted[table] = row?.n ?? -1;
  }
  return counted;
}

const nothing = { ssh_ports: 0, address_leases: 0, routes: 0 };

describe('create-hosting', () => {
  it('a create ends with a running VM, a route that serves it, and its state sealed in the database', async () => {
    const user = await world.newUser();
    const { hosting, operation, sshPrivateKey } = await world.engine.hostings.create(user, {});
    await world.work(hosting.id);
    const ended = await world.engine.operations.get(user, operation.id);
    expect(ended.failure).toBeNull();
    expect(ended.status).toBe('succeeded');
    expect(ended.steps.every((step) => step.status === 'done')).toBe(true);
    expect(sshPrivateKey).toContain('OPENSSH PRIVATE KEY');
    const mine = await world.engine.hostings.mine(user);
    expect(mine.status).toBe('running');
    expect(mine.knownHosts).toEqual([
      expect.stringMatching(/^\[localhost\]:10000,vm-[0-9a-f]{8} ssh-ed25519 /),
    ]);
    expect(world.host.routes).toEqual([
      { userId: user.id, username: user.username, ip: mine.ip, sshPort: 10000 },
    ]);
    expect(world.host.domains.get(mine.vmName)).toBe('running');
    const [stack] = (await world.parts.database.direct.query(
      `SELECT state_sealed, state_serial FROM stacks`,
    )) as { state_sealed: Buffer; state_serial: string }[];
    expect(stack?.state_serial).toBe('3');
    expect(stack?.state_sealed.toString('latin1')).not.toContain(mine.vmName);
    expect(
      world.parts.secretBox.open(stack!.state_sealed, `terraform-state ${mine.id}`).toString(),
    ).toContain(mine.vmName);
  });

  // every step there is, so that a new one is covered by itself
  const faultOf: Record<string, string> = {
    synthesize: 'synthesize',
    init: 'init',
    plan: 'plan',
    apply: 'apply',
    boot: 'page',
    route: 'publish',
    ssh: 'ssh',
  };
  // what `check` refuses has a test of its own below
  const steps = definitionOf('create-hosting')
    .steps.filter((step) => step.run && step.name !== 'check')
    .map((step) => step.name);

  it.each(steps)('a create that fails in %s unwinds and leaves nothing', async (step) => {
    const user = await world.newUser();
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    const refused = new EngineError('apply_failed', 'planned failure');
    if (step === 'ready') await failLastStep(hosting.id);
    else world.host.faults.fail(faultOf[step] ?? `no fault for ${step}`, refused);
    await world.work(hosting.id);
    const ended = await world.engine.operations.get(user, operation.id);
    expect(ended.status).toBe('failed');
    expect(ended.failure).not.toBeNull();
    expect(ended.steps.find((each) => each.name === step)?.status).toMatch(/failed|undone/);
    expect(world.host.remains()).toEqual({ domains: [], volumes: [], routes: [] });
    expect(await tables()).toEqual(nothing);
    await expect(world.engine.hostings.mine(user)).rejects.toMatchObject({ code: 'hosting_not_found' });
    const [row] = (await world.parts.database.direct.query(
      `SELECT status, failure_message FROM hostings`,
    )) as { status: string; failure_message: string }[];
    expect(row).toMatchObject({ status: 'failed', failure_message: ended.failure?.message });
    // and a new request works
    await dropFaultTrigger();
    const again = await world.engine.hostings.create(user, {});
    await world.work(again.hosting.id);
    expect((await world.engine.hostings.mine(user)).status).toBe('running');
  });

  /** `ready` touches nothing foreign, so the database refuses it. */
  async function failLastStep(id: string): Promise<void> {
    await world.parts.database.direct.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planned failure'; END $$;
      CREATE TRIGGER refuse BEFORE UPDATE ON hostings FOR EACH ROW WHEN (NEW.status = 'running' AND NEW.id = '${id}') EXECUTE FUNCTION refuse()`);
  }
  async function dropFaultTrigger(): Promise<void> {
    await world.parts.database.direct.query(`DROP TRIGGER IF EXISTS refuse ON hostings`);
  }

  it.each(['made libvirt_volume', 'made libvirt_cloudinit_disk', 'made libvirt_domain'])(
    'a create whose apply dies after %s, before its state is written, leaves nothing',
    async (point) => {
      const user = await world.newUser();
      const { hosting } = await world.engine.hostings.create(user, {});
      world.host.faults.fail(point, new EngineError('apply_failed', 'provider crashed'));
      await world.work(hosting.id);
      expect(world.host.remains()).toEqual({ domains: [], volumes: [], routes: [] });
      expect(await tables()).toEqual(nothing);
    },
  );

  it('a create whose plan the policy does not allow is refused and applies nothing', async () => {
    const user = await world.newUser();
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    const showPlan = world.host.terraform.showPlan.bind(world.host.terraform);
    Object.assign(world.host.terraform, {
      showPlan: async (...args: Parameters<typeof showPlan>) => {
        const plan = await showPlan(...args);
        return {
          ...plan,
          configuration: {
            provider_config: { libvirt: { full_name: 'registry.terraform.io/evil/libvirt' } },
          },
        };
      },
    });
    await world.work(hosting.id);
    expect((await world.engine.operations.get(user, operation.id)).failure).toMatchObject({
      code: 'plan_refused',
      message: expect.stringContaining('known-provider') as string,
    });
    expect(world.host.faults.visited).not.toContain('apply');
  });

  it('a create retries a temporary failure and succeeds', async () => {
    const user = await world.newUser();
    const { hosting } = await world.engine.hostings.create(user, {});
    world.host.faults.fail('publish', new EngineError('proxy_unreachable', 'gone', { retryable: true }), 2);
    await world.work(hosting.id);
    expect((await world.engine.hostings.mine(user)).status).toBe('running');
  });

  it('a create gives up when the VM never serves, and says so', async () => {
    const user = await world.newUser();
    Object.assign(world.host.guest, { servesPage: () => Promise.resolve(false) });
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    await world.work(hosting.id);
    expect((await world.engine.operations.get(user, operation.id)).failure).toEqual({
      code: 'guest_unreachable',
      message: 'The virtual machine did not serve its page in 300 s; try again',
    });
    expect(world.host.remains()).toEqual({ domains: [], volumes: [], routes: [] });
  });

  it('a create whose undo does not succeed is stuck and keeps what it owns', async () => {
    const user = await world.newUser();
    const { hosting, operation } = await world.engine.hostings.create(user, {});
    world.host.faults.fail('fetch', new EngineError('proxy_refused', 'planned failure'));
    world.host.faults.fail('inventory', new EngineError('libvirt_unavailable', 'libvirt is gone'), 10);
    await world.work(hosting.id);
    const ended = await world.engine.operations.get(user, operation.id);
    expect(ended.status).toBe('stuck');
    expect(ended.steps.find((step) => step.name === 'apply')?.status).toBe('undo_failed');
    expect(await tables()).toEqual({ ssh_ports: 1, address_leases: 1, routes: 0 });
  });
});
