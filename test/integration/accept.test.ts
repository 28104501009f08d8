import type { AcceptedHosting } from '../../engine/model/hosting';
import type { User } from '../../engine/model/account';
import { openWorld, type World } from '../worlds/world';
import { asIfUnprepared } from '../support/rows';

let world: World;
afterEach(() => world.close());

async function users(count: number): Promise<User[]> {
  const made: User[] = [];
  for (let index = 0; index < count; index++) made.push(await world.newUser());
  return made;
}

describe('accepting a create', () => {
  it("gives 200 concurrent requests for 50 ports exactly 50 hostings, none with another's address or port", async () => {
    world = await openWorld({ SSH_PORT_MIN: '10000', SSH_PORT_MAX: '10049' });
    const everyone = await users(200);
    const answers = await Promise.allSettled(everyone.map((user) => world.engine.hostings.create(user, {})));
    const accepted = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const refused = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason as { code: string }] : [],
    );
    expect(accepted).toHaveLength(50);
    expect(refused.map((error) => error.code)).toEqual(Array(150).fill('ports_exhausted'));
    expect(new Set(accepted.map(({ hosting }) => hosting.sshPort)).size).toBe(50);
    expect(new Set(accepted.map(({ hosting }) => hosting.ip)).size).toBe(50);
    // and every one of them comes up, several at a time
    await Promise.all(accepted.map(({ hosting }) => world.work(hosting.id)));
    expect(world.host.domains.size).toBe(50);
    expect(world.host.routes).toHaveLength(50);
    expect(world.host.publishes).toBeLessThan(50);
  }, 120_000);

  it('a create passes over SSH ports that another program holds', async () => {
    world = await openWorld({ SSH_PORT_MIN: '10000', SSH_PORT_MAX: '10002' });
    Object.assign(world.host.proxy, { canListen: (port: number) => Promise.resolve(port === 10_001) });
    const [one, two] = await users(2);
    expect((await world.engine.hostings.create(one!, {})).hosting.sshPort).toBe(10_001);
    await expect(world.engine.hostings.create(two!, {})).rejects.toMatchObject({ code: 'ports_exhausted' });
  });

  it('a create is refused when all addresses are taken', async () => {
    world = await openWorld({ NETWORK_CIDR: '10.90.0.0/29' });
    const everyone = await users(6);
    const answers = await Promise.allSettled(everyone.map((user) => world.engine.hostings.create(user, {})));
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(5);
    expect(answers.find((answer) => answer.status === 'rejected')).toMatchObject({
      reason: { code: 'addresses_exhausted' },
    });
  });

  it('a user gets one hosting, however many creates arrive at once', async () => {
    world = await openWorld();
    const [user] = await users(1);
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => world.engine.hostings.create(user!, {})),
    );
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'quota_exceeded' });
  });

  it('50 requests with one idempotency key make one hosting, and only one answer has its private key', async () => {
    world = await openWorld();
    const [user] = await users(1);
    const ask = (): Promise<AcceptedHosting> =>
      world.engine.hostings.create(user!, { idempotencyKey: 'once' });
    const answers = await Promise.all(Array.from({ length: 50 }, ask));
    const [{ hosting, operation }] = answers as [AcceptedHosting];
    for (const answer of answers) {
      expect(answer.hosting).toEqual(hosting);
      expect(answer.operation).toEqual(operation);
    }
    expect(answers.filter((answer) => answer.sshPrivateKey !== null)).toHaveLength(1);
    const count = (table: string) => world.parts.database.direct.query(`SELECT id FROM ${table}`);
    expect(await count('hostings')).toEqual([{ id: hosting.id }]);
    expect(await count('operations')).toEqual([{ id: operation.id }]);
    await world.work(hosting.id);
    expect([...world.host.domains.keys()]).toEqual([hosting.vmName]);
    // and afterwards: the hosting as it is now, and still no key
    const later = await ask();
    expect(later).toMatchObject({ hosting: { id: hosting.id, status: 'running' }, sshPrivateKey: null });
    expect(later.operation).toMatchObject({ id: operation.id, status: 'succeeded' });
  });

  it('an idempotency key is refused for a different request, and means nothing for another user', async () => {
    world = await openWorld();
    const [one, two] = await users(2);
    const first = await world.engine.hostings.create(one!, { idempotencyKey: 'once' });
    const sshPublicKey =
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+ a@b';
    await expect(
      world.engine.hostings.create(one!, { idempotencyKey: 'once', sshPublicKey }),
    ).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    const other = await world.engine.hostings.create(two!, { idempotencyKey: 'once', sshPublicKey });
    expect(other.hosting.id).not.toBe(first.hosting.id);
  });

  it('a create is refused while the node is not ready, and nothing of the request is kept', async () => {
    world = await openWorld();
    const [user] = await users(1);
    await asIfUnprepared(world.parts.database.direct);
    await expect(world.engine.hostings.create(user!, {})).rejects.toMatchObject({ code: 'node_not_ready' });
    expect(await world.parts.database.direct.query(`SELECT 1 FROM hostings`)).toEqual([]);
  });

  it('a create with an invalid SSH key is refused before anything is reserved', async () => {
    world = await openWorld();
    const [user] = await users(1);
    await expect(
      world.engine.hostings.create(user!, { sshPublicKey: 'ssh-rsa nonsense' }),
    ).rejects.toMatchObject({ code: 'validation_failed' });
    expect(await world.parts.database.direct.query(`SELECT 1 FROM ssh_ports`)).toEqual([]);
  });
});
