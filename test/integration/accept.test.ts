import type { AcceptedHosting, User } from '../../engine/engine';
import { openWorld, type World } from '../support/world';

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

  it('passes over ports that another program holds', async () => {
    world = await openWorld({ SSH_PORT_MIN: '10000', SSH_PORT_MAX: '10002' });
    Object.assign(world.host.proxy, { canListen: (port: number) => Promise.resolve(port === 10_001) });
    const [one, two] = await users(2);
    expect((await world.engine.hostings.create(one!, {})).hosting.sshPort).toBe(10_001);
    await expect(world.engine.hostings.create(two!, {})).rejects.toMatchObject({ code: 'ports_exhausted' });
  });

  it('refuses when all addresses are taken', async () => {
    world = await openWorld({ NETWORK_CIDR: '10.90.0.0/29' });
    const everyone = await users(6);
    const answers = await Promise.allSettled(everyone.map((user) => world.engine.hostings.create(user, {})));
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(5);
    expect(answers.find((answer) => answer.status === 'rejected')).toMatchObject({
      reason: { code: 'addresses_exhausted' },
    });
  });

  it('allows one hosting per user, however many ask at once', async () => {
    world = await openWorld();
    const [user] = await users(1);
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => world.engine.hostings.create(user!, {})),
    );
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'quota_exceeded' });
  });

  it('answers a repeated idempotency key with the same hosting, and another request under it with an error', async () => {
    world = await openWorld();
    const [user] = await users(1);
    const ask = (): Promise<AcceptedHosting> =>
      world.engine.hostings.create(user!, { idempotencyKey: 'once' });
    const answers = await Promise.all(Array.from({ length: 10 }, ask));
    expect(new Set(answers.map((answer) => answer.hosting.id)).size).toBe(1);
    expect(new Set(answers.map((answer) => answer.operation.id)).size).toBe(1);
    // the private key is given exactly once
    expect(answers.filter((answer) => answer.sshPrivateKey !== null)).toHaveLength(1);
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+ a@b';
    await expect(
      world.engine.hostings.create(user!, { idempotencyKey: 'once', sshPublicKey: key }),
    ).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
  });

  it('refuses while the node is not ready, and keeps nothing of the request', async () => {
    world = await openWorld();
    const [user] = await users(1);
    await world.parts.database.direct.query(`UPDATE nodes SET prepared = NULL`);
    await expect(world.engine.hostings.create(user!, {})).rejects.toMatchObject({ code: 'node_not_ready' });
    expect(await world.parts.database.direct.query(`SELECT 1 FROM hostings`)).toEqual([]);
  });

  it('refuses a bad key before anything is taken', async () => {
    world = await openWorld();
    const [user] = await users(1);
    await expect(
      world.engine.hostings.create(user!, { sshPublicKey: 'ssh-rsa nonsense' }),
    ).rejects.toMatchObject({ code: 'validation_failed' });
    expect(await world.parts.database.direct.query(`SELECT 1 FROM ssh_ports`)).toEqual([]);
  });
});
