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
