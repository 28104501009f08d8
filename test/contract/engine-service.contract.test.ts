/** Domains, the audit log, health and metrics: one suite for the engine and for the fake in its place. */
import type { AuditRecord, Metrics, User } from '../../engine';
import { anyDate, engines, refusal, sceneOf } from './support/engines';

describe.each(engines)('%s', (_, open) => {
  const scene = sceneOf(open);
  const { engine } = scene;

  async function withHosting(): Promise<User> {
    const user = await scene.newUser();
    await scene.newHosting(user);
    return user;
  }

  it('a hosting’s domains are listed by name, each with the record that proves it', async () => {
    const user = await withHosting();
    const added = await engine.domains.add(user, 'https://WWW.Mina.example/');
    const token = added.record.value;
    expect(token).toMatch(/^[0-9a-f]{40}$/);
    expect(added).toEqual({
      ...{ name: 'www.mina.example', proved: false, url: 'http://www.mina.example/', createdAt: anyDate },
      record: { name: '_vm-webhoster.www.mina.example', value: token },
      file: { path: `/.well-known/vm-webhoster/${token}`, content: token },
    });
    expect(await engine.domains.add(user, 'www.mina.example')).toEqual(added);
    const other = await engine.domains.add(user, 'shop.mina.example');
    expect(other.record.value).not.toBe(token);
    expect(await engine.domains.list(user)).toEqual([other, added]);
    for (const name of ['localhost', 'mina.localhost', 'no domain', '192.0.2.1'])
      expect(await refusal(engine.domains.add(user, name))).toBe('validation_failed message fields');
    for (const name of ['a', 'b', 'c']) await engine.domains.add(user, `${name}.mina.example`);
    expect(await refusal(engine.domains.add(user, 'd.mina.example'))).toBe('too_many_domains message');
    expect((await engine.domains.add(user, 'a.mina.example')).name).toBe('a.mina.example');
    await engine.domains.remove(user, 'A.mina.example');
    expect((await engine.domains.list(user)).map(({ name }) => name)).not.toContain('a.mina.example');
    expect(await refusal(engine.domains.remove(user, 'a.mina.example'))).toBe('domain_not_found');
  });

  it('a proved domain is served for one hosting, and for none once that is gone', async () => {
    const [user, other] = [await withHosting(), await withHosting()];
    const name = 'www.juno.example';
    expect(await refusal(engine.domains.verify(user, name))).toBe('domain_not_found');
    for (const who of [user, other]) await engine.domains.add(who, name);
    expect(await refusal(engine.domains.verify(user, name))).toBe('domain_not_proved message');
    scene.prove(name);
    expect(await engine.domains.verify(user, 'WWW.juno.example')).toMatchObject({ name, proved: true });
    expect(await engine.domains.list(user)).toMatchObject([{ name, proved: true }]);
    expect((await engine.domains.verify(user, name)).proved).toBe(true);
    expect(await refusal(engine.domains.verify(other, name))).toBe('domain_taken');
    await scene.work(await engine.hostings.delete(user));
    for (const call of [
      engine.domains.list(user),
      engine.domains.add(user, name),
      engine.domains.verify(user, name),
      engine.domains.remove(user, name),
    ])
      expect(await refusal(call)).toMatch(/^hosting_not_found/);
    expect((await engine.domains.verify(other, name)).proved).toBe(true);
    await scene.work((await engine.hostings.create(user, {})).operation);
    expect(await engine.domains.list(user)).toEqual([]);
  });

  it('the audit log lists who did what, newest first, by user and action, page by page', async () => {
    const [{ user, email }, { user: other }] = [await scene.newAccount(), await scene.newAccount()];
    const record: AuditRecord = {
      ...{ userId: user.id, actor: user.username, via: 'session', action: 'createHosting', target: null },
      ...{ outcome: 'begun', code: null, address: '192.0.2.1', requestId: 'r-1' },
    };
    await engine.audit.record(record);
    await engine.audit.record({ ...record, userId: other.id, target: 'hosting x', outcome: 'done' });
    const login = { ...record, userId: null, actor: 'anonymous', via: 'none', action: 'login' } as const;
    await engine.audit.record({ ...login, targetEmail: email.toUpperCase() });
    await engine.audit.record({ ...login, targetEmail: 'nobody@example.org' });
    const entries = await engine.audit.list({ limit: 4 });
    expect(entries).toEqual([
      { ...login, target: null, id: expect.any(String), at: anyDate },
      { ...login, target: `user ${user.id}`, id: expect.any(String), at: anyDate },
      {
        ...{ ...record, userId: other.id, target: 'hosting x', outcome: 'done' },
        ...{ id: expect.any(String), at: anyDate },
      },
      { ...record, id: expect.any(String), at: anyDate },
    ]);
    const list = async (filter: object) =>
      (await engine.audit.list({ limit: 4, ...filter })).map(({ id }) => id);
    const ids = entries.map(({ id }) => id);
    for (const id of ids) expect(id).toMatch(/^\d+$/);
    expect(await list({ userId: user.id })).toEqual([ids[3]]);
    expect(await list({ action: 'login' })).toEqual(ids.slice(0, 2));
    expect(await list({ limit: 2, after: ids[0] })).toEqual(ids.slice(1, 3));
    expect(await list({ after: '1', userId: other.id })).toEqual([]);
  });

  it('health says how each part is', async () => {
    expect(await engine.health.basic()).toBe(true);
    const parts = await engine.health.detailed();
    expect(parts.map(({ name }) => name)).toEqual([
      ...['postgres', 'queue', 'reconcilers', 'libvirt', 'network', 'vms', 'nginx', 'terraform', 'disk'],
    ]);
    for (const part of parts)
      expect(part).toEqual({
        ...{ name: expect.any(String), status: expect.stringMatching(/^(ok|degraded|down)$/) },
        ...{ latencyMs: expect.any(Number), detail: expect.any(String) },
      });
  });

  it('the metrics have one form', async () => {
    await withHosting();
    const number: unknown = expect.any(Number);
    const text: unknown = expect.any(String);
    const counted = { count: number };
    const forms: { readonly [Name in keyof Metrics]: unknown } = {
      operations: { kind: text, status: text, ...counted },
      oldestOperations: { status: text, seconds: number },
      hostings: { status: text, ...counted },
      spares: { state: text, ...counted },
      sweep: expect.anything(),
      sshPorts: { used: number, total: number },
      drift: { hostings: number, failedLooks: number, oldestLookSeconds: number },
      queue: { waiting: number, running: number, oldestSeconds: number },
      leases: { held: number, expired: number },
      vms: { state: text, ...counted },
      pool: { freeBytes: number, totalBytes: number },
      draining: { nginx: text, ...counted },
      reconcilers: { name: text, ageSeconds: number, failed: expect.any(Boolean) },
      certificates: { name: text, secondsLeft: number, failures: number },
      measures: {
        ...{ name: text, help: text, labels: expect.any(Object), ...counted, seconds: number },
        buckets: expect.arrayContaining([{ atMost: number, count: number }]),
      },
    };
    const metrics = await engine.metrics.read();
    expect(Object.keys(metrics).sort()).toEqual(Object.keys(forms).sort());
    for (const [name, form] of Object.entries(forms))
      for (const entry of [metrics[name as keyof Metrics]].flat())
        if (entry !== null) expect([name, entry]).toEqual([name, form]);
  });
});
