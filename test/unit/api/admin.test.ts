import { bearer, fieldsOf, juno, mina, startApi } from './harness';

const at = '/api/v1/admin/operations';

/** Mina is the operator; Juno has a create that is stuck. */
async function started() {
  const api = startApi({ operationsEnd: 'by-hand' });
  const operator = bearer(await api.signIn(mina));
  api.engine.makeAdmin(mina.email);
  const user = bearer(await api.signIn(juno));
  for (const who of [user, operator])
    await api.http
      .post('/api/v1/host')
      .set({ ...who, Prefer: 'respond-async' })
      .expect(202);
  return { api, operator, user };
}

describe('GET /api/v1/admin/operations', () => {
  it("shows an operator everybody's operations, the newest first, at most 50", async () => {
    const { api, operator } = await started();
    const { body } = await api.http.get(at).set(operator).expect(200);
    expect(body.data.operations).toMatchObject([
      { kind: 'create-hosting', user_id: 1, vm_id: expect.stringMatching(/^vm-/), owns: [] },
      { kind: 'create-hosting', user_id: 2 },
    ]);
    expect(api.engine.fakeOperations.lastListed).toEqual({ status: undefined, limit: 50 });
  });

  it('shows the stuck ones with what they own', async () => {
    const { api, operator } = await started();
    const { id } = api.engine.fakeOperations.latest();
    api.engine.fakeOperations.end(id, {
      status: 'stuck',
      failure: { code: 'libvirt_unavailable', message: 'libvirt refused a request' },
      owns: ['SSH port 10001'],
    });
    const { body } = await api.http.get(`${at}?status=stuck&limit=1`).set(operator).expect(200);
    expect(body.data.operations).toMatchObject([
      { id, status: 'stuck', owns: ['SSH port 10001'], failure: { code: 'libvirt_unavailable' } },
    ]);
    expect(api.engine.fakeOperations.lastListed).toEqual({ status: 'stuck', limit: 1 });
  });

  it('is closed to users and to strangers', async () => {
    const { api, user } = await started();
    const { body } = await api.http.get(at).set(user).expect(403);
    expect(body.error.code).toBe('forbidden');
    await api.http.get(at).expect(401);
    expect(api.engine.fakeOperations.lastListed).toBeUndefined();
  });

  it.each([
    ['?status=lost', 'status'],
    ['?limit=0', 'limit'],
    ['?limit=201', 'limit'],
    ['?limit=1.5', 'limit'],
    ['?limit=all', 'limit'],
    ['?user=1', 'user'],
  ])('refuses %s', async (query, field) => {
    const { api, operator } = await started();
    expect(fieldsOf(await api.http.get(at + query).set(operator))).toEqual([field]);
  });
});

/** Mina is the operator; Juno has a hosting with a label that differs from its specification. */
async function withHosting() {
  const api = startApi();
  const operator = bearer(await api.signIn(mina));
  api.engine.makeAdmin(mina.email);
  const user = bearer(await api.signIn(juno));
  const { body } = await api.http
    .post('/api/v1/host')
    .set(user)
    .send({ labels: { course: 'cs101' } })
    .expect(201);
  const checkedAt = new Date('2026-01-31T12:00:00Z');
  const differences = ['libvirt_domain.vm: update (running)'];
  const lookFailure = { code: 'libvirt_unavailable' as const, message: 'libvirt does not answer' };
  api.engine.alter('juno', { drift: { checkedAt, differences, lookFailed: true, lookFailure } });
  return { api, operator, user, id: body.data.hosting.id as string };
}

const drift = {
  found: true,
  differences: ['libvirt_domain.vm: update (running)'],
  checked_at: '2026-01-31T12:00:00.000Z',
  look_failed: true,
  look_failure: { code: 'libvirt_unavailable', message: 'libvirt does not answer' },
};

describe('GET /api/v1/admin/hostings', () => {
  const list = '/api/v1/admin/hostings';

  it('lists hostings with what the last look for drift found', async () => {
    const { api, operator, id } = await withHosting();
    const { body } = await api.http.get(list).set(operator).expect(200);
    expect(body.data).toEqual({
      hostings: [
        {
          id,
          vm_name: `vm-${id.slice(0, 8)}`,
          vm_id: `vm-${id.slice(0, 8)}`,
          username: 'juno',
          status: 'running',
          labels: { course: 'cs101' },
          drift,
          created_at: expect.any(String),
        },
      ],
      next: null,
    });
  });

  it.each([
    ['?names=nobody,juno', 1],
    ['?names=nobody', 0],
    ['?labels=course%3Dcs101', 1],
    ['?labels=course%3Dcs101,term%3Da', 0],
    ['?older_than_seconds=0', 1],
    ['?older_than_seconds=60', 0],
    ['?status=running', 1],
    ['?status=sleeping', 0],
  ])('takes %s', async (query, count) => {
    const { api, operator } = await withHosting();
    const { body } = await api.http
      .get(list + query)
      .set(operator)
      .expect(200);
    expect(body.data.hostings).toHaveLength(count);
  });

  it('goes on from page to page', async () => {
    const { api, operator, id } = await withHosting();
    await api.http.post('/api/v1/host').set(operator).expect(201);
    const first = await api.http.get(`${list}?limit=1`).set(operator).expect(200);
    expect(first.body.data).toMatchObject({ hostings: [{ id }], next: id });
    const second = await api.http.get(`${list}?limit=1&after=${id}`).set(operator).expect(200);
    expect(second.body.data.hostings).toMatchObject([{ username: 'mina' }]);
    const last = await api.http.get(`${list}?after=${second.body.data.next}`).set(operator).expect(200);
    expect(last.body.data).toEqual({ hostings: [], next: null });
  });

  it('is closed to users and to strangers', async () => {
    const { api, user } = await withHosting();
    await api.http.get(list).set(user).expect(403);
    await api.http.get(list).expect(401);
  });

  it.each([
    ['?names=', 'names'],
    ["?names='", 'names'],
    [`?names=${'a,'.repeat(100)}a`, 'names'],
    ['?labels=course', 'labels'],
    ['?older_than_seconds=-1', 'older_than_seconds'],
    ['?older_than_seconds=', 'older_than_seconds'],
    ['?after=x', 'after'],
    ['?limit=201', 'limit'],
  ])('refuses %s', async (query, field) => {
    const { api, operator } = await withHosting();
    expect(fieldsOf(await api.http.get(list + query).set(operator))).toEqual([field]);
  });
});

describe('GET /api/v1/host/my', () => {
  it('tells its owner of drift, and before the first look that there was none', async () => {
    const { api, operator, user } = await withHosting();
    expect((await api.http.get('/api/v1/host/my').set(user)).body.data.hosting.drift).toEqual(drift);
    const { body } = await api.http.post('/api/v1/host').set(operator).expect(201);
    expect(body.data.hosting.drift).toEqual({
      found: false,
      differences: [],
      checked_at: null,
      look_failed: false,
      look_failure: null,
    });
  });
});

describe('DELETE /api/v1/hostings/{id}', () => {
  it.each(['operator', 'user'] as const)(
    'removes for the %s, and shows before what would go',
    async (who) => {
      const scene = await withHosting();
      const at = `/api/v1/hostings/${scene.id}`;
      const dry = await scene.api.http.delete(`${at}?dry_run=true`).set(scene[who]).expect(200);
      expect(dry.body.data).toMatchObject({ plan: { changed: true }, operation: { kind: 'plan-delete' } });
      await scene.api.http.get('/api/v1/host/my').set(scene.user).expect(200);
      const { body } = await scene.api.http.delete(at).set(scene[who]).expect(200);
      expect(body).toMatchObject({
        message: 'The hosting has been deleted',
        data: { hosting: { status: 'deleted' } },
      });
      await scene.api.http.get('/api/v1/host/my').set(scene.user).expect(404);
      expect((await scene.api.http.delete(at).set(scene[who])).body.error.code).toBe('hosting_not_found');
    },
  );

  it('does not tell another user that there is one', async () => {
    const { api, id } = await withHosting();
    const stranger = bearer(
      await api.signIn({ email: 'noa@example.com', password: 'a third long passphrase', username: 'noa-x' }),
    );
    for (const query of ['', '?dry_run=true']) {
      const { body } = await api.http.delete(`/api/v1/hostings/${id}${query}`).set(stranger).expect(404);
      expect(body.error.code).toBe('hosting_not_found');
    }
  });

  it('answers 202 at once where the client prefers', async () => {
    const { api, operator, id } = await withHosting();
    const asked = { ...operator, Prefer: 'respond-async' };
    const at = `/api/v1/hostings/${id}`;
    const dry = await api.http.delete(`${at}?dry_run=true`).set(asked).expect(202);
    expect(dry.headers.location).toBe(`/api/v1/operations/${dry.body.data.operation.id}`);
    expect((await api.http.delete(at).set(asked).expect(202)).body.data.hosting.status).toBe('deleting');
  });
});

describe('plans that nobody waited for', () => {
  it('are there once their operation has ended, for who asked and for operators', async () => {
    const api = startApi({ operationsEnd: 'by-hand' });
    const operator = bearer(await api.signIn(mina));
    api.engine.makeAdmin(mina.email);
    const user = bearer(await api.signIn(juno));
    const asked = { ...operator, Prefer: 'respond-async' };
    const { body } = await api.http
      .post('/api/v1/admin/plans')
      .set(asked)
      .send({ username: 'juno' })
      .expect(202);
    const { id } = body.data.operation;
    const at = `/api/v1/operations/${id}/plan`;
    expect((await api.http.get(at).set(operator).expect(409)).body.error.code).toBe('not_ended');
    api.engine.fakeOperations.end(id);
    expect((await api.http.get(at).set(operator).expect(200)).body.data).toMatchObject({
      plan: { changed: true },
      operation: { id, kind: 'plan-create' },
    });
    await api.http.get(at).set(user).expect(200);
    await api.http.get(at).expect(401);
  });

  it('are shown to the hosting’s owner, whoever asked for them, and to no other user', async () => {
    const { api, user, operator, id: hosting } = await withHosting();
    const stranger = bearer(await api.signIn({ ...juno, email: 'ines@example.org', username: 'ines' }));
    const { body } = await api.http.get(`/api/v1/hostings/${hosting}/plan`).set(operator).expect(200);
    const at = `/api/v1/operations/${body.data.operation.id}/plan`;
    await api.http.get(at).set(user).expect(200);
    expect((await api.http.get(at).set(stranger).expect(404)).body.error.code).toBe('operation_not_found');
  });

  it('of a create are refused to users, and for nobody', async () => {
    const { api, user, operator } = await withHosting();
    const at = '/api/v1/admin/plans';
    await api.http.post(at).set(user).send({ username: 'juno' }).expect(403);
    expect((await api.http.post(at).set(operator).send({ username: 'nobody' })).body.error.code).toBe(
      'not_found',
    );
    expect(fieldsOf(await api.http.post(at).set(operator).send({}))).toEqual(['username']);
    expect(
      (await api.http.post(at).set(operator).send({ username: 'juno' }).expect(200)).body.data.plan,
    ).toBeDefined();
  });
});
