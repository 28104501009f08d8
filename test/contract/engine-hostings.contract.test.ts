/** Hostings, their labels and their domains: one suite for the engine and for the fake in its place. */
import type { HostingFilter } from '../../engine';
import { anyDate, anyId, engines, refusal, sceneOf, unknownId } from './support/engines';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+ mina@laptop';
const privateKey: unknown = expect.stringMatching(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
const everything: HostingFilter = { names: [], labels: {}, olderThanSeconds: null };
const neverLooked = { checkedAt: null, differences: [], lookFailed: false, lookFailure: null };

describe.each(engines)('%s', (_, open) => {
  const scene = sceneOf(open);
  const { engine } = scene;

  it('a create returns the private key of a pair that it made, and shows how to connect', async () => {
    const user = await scene.newUser();
    const { hosting, operation, sshPrivateKey } = await engine.hostings.create(user, {});
    expect(sshPrivateKey).toEqual(privateKey);
    expect(operation).toMatchObject({ kind: 'create-hosting', hostingId: hosting.id, userId: user.id });
    const { id, vmName, sshPort: port } = hosting;
    const way = (options: string) =>
      `-i ~/.ssh/${vmName} -o HostKeyAlias=${vmName} ${options} ubuntu@localhost`;
    expect(hosting).toEqual({
      ...{ id: anyId, userId: user.id, vmName: `vm-${id.slice(0, 8)}`, status: 'creating', image: 'micro' },
      ...{ ip: expect.stringMatching(/^10\.90\.0\.\d+$/), sshPort: expect.any(Number) },
      ...{ memoryMiB: 1024, vcpus: 1, diskGiB: 20, labels: {}, knownHosts: [], failure: null },
      ...{ webUrl: `http://localhost/${user.id}/`, subdomainUrl: `http://${user.username}.localhost/` },
      ...{ sshCommand: `ssh ${way(`-p ${port}`)}`, sftpCommand: `sftp ${way(`-P ${port}`)}` },
      ...{ drift: neverLooked, createdAt: anyDate, readyAt: null },
    });
    await scene.work(operation);
    const knownHost: unknown = expect.stringMatching(`^\\[localhost\\]:${port},${vmName} ssh-ed25519 \\S+$`);
    const ready = { ...hosting, status: 'running', knownHosts: [knownHost], readyAt: anyDate };
    expect(await engine.hostings.mine(user)).toEqual(ready);
    expect(await engine.hostings.get(user, id)).toEqual(ready);
  });

  it('a create takes the user’s SSH key, and refuses an invalid one', async () => {
    const user = await scene.newUser();
    expect(await refusal(engine.hostings.create(user, { sshPublicKey: 'ssh-ed25519 AAAA' }))).toBe(
      'validation_failed message fields',
    );
    const { hosting, sshPrivateKey } = await engine.hostings.create(user, { sshPublicKey: key });
    expect([sshPrivateKey, hosting.sshCommand]).toEqual([
      null,
      expect.stringContaining('-i ~/.ssh/id_ed25519 '),
    ]);
  });

  it('each user gets one hosting, with its own address and port', async () => {
    const [one, other] = [await scene.newUser(), await scene.newUser()];
    const hostings = [await scene.newHosting(one), await scene.newHosting(other)];
    for (const what of ['id', 'vmName', 'ip', 'sshPort'] as const)
      expect(new Set(hostings.map((each) => each[what])).size).toBe(2);
    expect(await refusal(engine.hostings.create(one, {}))).toBe('quota_exceeded');
    await scene.work(await engine.hostings.delete(one));
    expect((await scene.newHosting(one)).sshPort).not.toBe(hostings[1]!.sshPort);
  });

  it('one idempotency key makes one hosting, and its private key is returned once', async () => {
    const user = await scene.newUser();
    const create = (change: object = {}) =>
      engine.hostings.create(user, { labels: { course: 'a', term: 'b' }, idempotencyKey: 'k 1', ...change });
    const first = await create();
    expect(await create({ labels: { term: 'b', course: 'a' } })).toMatchObject({
      ...{ hosting: { id: first.hosting.id }, operation: { id: first.operation.id } },
      sshPrivateKey: null,
    });
    for (const change of [{ sshPublicKey: key }, { labels: { course: 'a' } }, { labels: undefined }])
      expect(await refusal(create(change))).toBe('idempotency_key_reused');
    expect(await refusal(create({ idempotencyKey: 'k 2' }))).toBe('quota_exceeded');
    await scene.work(first.operation);
    expect(await create()).toMatchObject({
      ...{ hosting: { status: 'running' }, operation: { status: 'succeeded' } },
    });
    await scene.work(await engine.hostings.delete(user));
    expect(await create()).toMatchObject({ hosting: { id: first.hosting.id, status: 'deleted' } });
    // what was refused has not used it up, and each user has keys of their own
    expect((await create({ idempotencyKey: 'k 2' })).sshPrivateKey).toEqual(privateKey);
    expect(
      (await engine.hostings.create(await scene.newUser(), { idempotencyKey: 'k 1' })).sshPrivateKey,
    ).toEqual(privateKey);
  });

  it('a hosting is shown to its owner and to administrators, and to nobody else', async () => {
    const [user, other] = [await scene.newUser(), await scene.newUser()];
    const { user: admin } = await scene.newAccount('admin');
    const { id, webUrl, subdomainUrl } = await scene.newHosting(user);
    expect(await engine.hostings.get(admin, id)).toMatchObject({ id, userId: user.id, webUrl, subdomainUrl });
    expect(await refusal(engine.hostings.get(other, id))).toBe('hosting_not_found message');
    expect(await refusal(engine.hostings.remove(other, id))).toBe('hosting_not_found message');
    expect(await refusal(engine.hostings.get(admin, unknownId))).toBe('hosting_not_found message');
    for (const who of [other, admin]) {
      expect(await refusal(engine.hostings.mine(who))).toBe('hosting_not_found');
      expect(await refusal(engine.hostings.delete(who))).toBe('hosting_not_found');
    }
    expect(await engine.hostings.remove(admin, id)).toMatchObject({ userId: user.id });
  });

  it('a hosting is removed once, however often that is asked, and is still shown', async () => {
    const user = await scene.newUser();
    const { id } = await scene.newHosting(user);
    const removal = await engine.hostings.delete(user);
    expect(removal).toMatchObject({ kind: 'delete-hosting', hostingId: id, userId: user.id });
    expect((await engine.hostings.mine(user)).status).toBe('deleting');
    expect((await engine.hostings.delete(user)).id).toBe(removal.id);
    expect((await engine.hostings.remove(user, id)).id).toBe(removal.id);
    expect((await scene.work(removal)).status).toBe('succeeded');
    expect(await refusal(engine.hostings.mine(user))).toBe('hosting_not_found');
    expect(await refusal(engine.hostings.delete(user))).toBe('hosting_not_found');
    expect(await refusal(engine.hostings.remove(user, id))).toBe('hosting_not_found message');
    expect(await engine.hostings.get(user, id)).toMatchObject({ id, status: 'deleted', failure: null });
  });

  it('the removal of a hosting cancels its unfinished create', async () => {
    const user = await scene.newUser();
    const { hosting, operation } = await engine.hostings.create(user, {});
    const removal = await engine.hostings.delete(user);
    expect(await engine.operations.get(user, operation.id)).toMatchObject({ cancelRequested: true });
    expect((await scene.work(removal)).status).toBe('succeeded');
    expect(await engine.operations.get(user, operation.id)).toMatchObject({
      ...{ status: 'failed', failure: { code: 'cancelled' } },
    });
    expect((await engine.hostings.get(user, hosting.id)).status).toBe('deleted');
  });

  it('a hosting says why it could not be made, and the next one is made', async () => {
    const user = await scene.newUser();
    const { hosting, operation } = await engine.hostings.create(user, {});
    await scene.fail(operation, 'apply_failed');
    const failure = { code: 'apply_failed', message: 'planned failure' };
    expect(await engine.hostings.get(user, hosting.id)).toMatchObject({ status: 'failed', failure });
    expect(await refusal(engine.hostings.mine(user))).toBe('hosting_not_found');
    expect((await scene.newHosting(user)).id).not.toBe(hosting.id);
  });

  it('a stuck removal continues when it is asked for again', async () => {
    const user = await scene.newUser();
    await scene.newHosting(user);
    const removal = await engine.hostings.delete(user);
    const stuck = await scene.stick(removal);
    expect(stuck).toMatchObject({ status: 'stuck', failure: { code: 'libvirt_unavailable' } });
    expect(stuck).toMatchObject({ owns: expect.arrayContaining([expect.any(String)]), finishedAt: null });
    expect(await engine.hostings.delete(user)).toMatchObject({ id: removal.id, status: 'running', owns: [] });
    expect(await scene.work(removal)).toMatchObject({ status: 'succeeded', failure: null });
  });

  it('living hostings are listed by name, label, age and status, oldest first, page by page', async () => {
    const [one, other] = [await scene.newUser(), await scene.newUser()];
    const course = { course: unknownId.slice(0, 8) };
    const [first, second] = [
      await scene.newHosting(one, { ...course, term: 'a' }),
      await scene.newHosting(other, course),
    ];
    const list = async (filter: Partial<HostingFilter>, page: { limit?: number; after?: string } = {}) =>
      (await engine.hostings.list({ ...everything, ...filter }, { limit: 200, ...page })).map(({ id }) => id);
    const [both, after] = [[first.id, second.id], { after: first.id }];
    const { id, vmName, createdAt } = first;
    expect(await engine.hostings.list({ ...everything, names: [id] }, { limit: 1 })).toEqual([
      {
        ...{ id, vmName, username: one.username, status: 'running', createdAt, drift: neverLooked },
        labels: { ...course, term: 'a' },
      },
    ]);
    expect(await list({ labels: course })).toEqual(both);
    expect(await list({ labels: { ...course, term: 'a' } })).toEqual([first.id]);
    expect(await list({ names: [other.username, `user:${one.username}`, '?'] })).toEqual(both);
    expect(await list({ names: [second.vmName.toUpperCase(), second.id] })).toEqual([second.id]);
    expect(await list({ names: ['nobody', '?'] })).toEqual([]);
    expect(await list({ labels: course, olderThanSeconds: 3_600 })).toEqual([]);
    expect(await list({ labels: course, olderThanSeconds: 0 })).toEqual(both);
    expect(await list({ labels: course, status: 'sleeping' })).toEqual([]);
    expect(await list({ labels: course }, { limit: 1 })).toEqual([first.id]);
    await scene.fallAsleep(other);
    expect(await list({ labels: course, status: 'sleeping' })).toEqual([second.id]);
    await scene.work(await engine.hostings.delete(one));
    expect(await list({ labels: course })).toEqual([second.id]);
    // also behind one that has ended, and behind none
    expect(await list({ labels: course }, after)).toEqual([second.id]);
    expect(await list({}, { after: second.id })).toEqual([]);
    expect(await list({}, { after: unknownId })).toEqual([]);
  });

  it('labels of an account hold for its hosting and for each later one', async () => {
    const user = await scene.newUser();
    const { username } = user;
    const none = { username, labels: {}, vmName: null, hostingLabels: null };
    expect(await engine.labels.of(username)).toEqual(none);
    const { vmName } = await scene.newHosting(user, { own: 'x', term: 'mine' });
    expect(await engine.labels.set(username, { term: 'a', group: '7' })).toEqual({
      ...{ username, labels: { term: 'a', group: '7' }, vmName },
      hostingLabels: { own: 'x', term: 'a', group: '7' },
    });
    expect(await engine.labels.set(username, { group: '8' })).toMatchObject({
      hostingLabels: { own: 'x', group: '8' },
    });
    expect((await engine.hostings.mine(user)).labels).toEqual({ own: 'x', group: '8' });
    await scene.work(await engine.hostings.delete(user));
    expect(await engine.labels.of(username)).toEqual({ ...none, labels: { group: '8' } });
    // those of the last one, where the user names none
    expect((await scene.newHosting(user)).labels).toEqual({ own: 'x', group: '8' });
    await scene.work(await engine.hostings.delete(user));
    expect((await scene.newHosting(user, { group: 'mine' })).labels).toEqual({ group: '8' });
    for (const call of [engine.labels.of('nobody'), engine.labels.set('nobody', {})])
      expect(await refusal(call)).toBe('not_found message');
  });
});
