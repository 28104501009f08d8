import { bearer, fieldsOf, juno, startApi } from './harness';

async function startedCreate() {
  const api = startApi({ operationsEnd: 'by-hand' });
  const auth = bearer(await api.signIn());
  const { body } = await api.http
    .post('/api/v1/host')
    .set({ ...auth, Prefer: 'respond-async' })
    .expect(202);
  return { api, auth, path: `/api/v1/operations/${body.data.operation.id}` };
}

it('shows an operation with its steps', async () => {
  const { api, auth, path } = await startedCreate();
  const { body } = await api.http.get(path).set(auth).expect(200);
  expect(body.data.operation).toMatchObject({
    kind: 'create-hosting',
    status: 'pending',
    cancel_requested: false,
    steps: expect.arrayContaining([
      { name: 'apply', status: 'pending', tries: 0, started_at: null, finished_at: null },
    ]),
    queue_position: 1,
    finished_at: null,
  });
});

it('shows what an operation failed with', async () => {
  const { api, auth, path } = await startedCreate();
  const { id } = api.engine.fakeOperations.latest();
  api.engine.fakeOperations.end(id, {
    status: 'failed',
    failure: { code: 'apply_failed', message: 'No space' },
  });
  const { body } = await api.http.get(path).set(auth).expect(200);
  expect(body.data.operation).toMatchObject({
    status: 'failed',
    failure: { code: 'apply_failed', message: 'No space' },
  });
});

describe('an operation that is stuck', () => {
  const failure = { code: 'libvirt_unavailable', message: 'libvirt does not answer' } as const;
  const owns = ['domain vm-1a2b3c4d (running)', 'SSH port 10001'];

  it.each([
    [
      'en',
      'libvirt does not answer. The operation is stuck and still holds its resources; once the cause is gone, DELETE',
    ],
    ['ko', 'libvirt가 응답하지 않습니다. 작업이 중단된 채'],
  ])('shows what it owns and says in %s what to do next', async (language, message) => {
    const { api, auth, path } = await startedCreate();
    const { id } = api.engine.fakeOperations.latest();
    api.engine.fakeOperations.end(id, { status: 'stuck', failure, owns });
    const { body } = await api.http.get(path).set({ ...auth, 'Accept-Language': language });
    expect(body.data.operation).toMatchObject({ status: 'stuck', owns, failure: { code: failure.code } });
    expect(body.data.operation.failure.message).toContain(message);
  });

  it('says the same to the removal that waited for it', async () => {
    const api = startApi({ operationsEnd: 'by-hand' });
    const auth = bearer(await api.signIn());
    const create = { ...auth, Prefer: 'respond-async' };
    await api.http.post('/api/v1/host').set(create).expect(202);
    const removal = api.http
      .delete('/api/v1/host/my')
      .set(auth)
      .then((response) => response);
    while (api.engine.fakeOperations.interested === 0) await new Promise(setImmediate);
    api.engine.fakeOperations.end(api.engine.fakeOperations.latest().id, { status: 'stuck', failure, owns });
    const { status, headers, body } = await removal;
    expect([status, headers['retry-after']]).toEqual([503, '5']);
    expect(body.message).toContain('DELETE /api/v1/host/my resumes it');
    expect(body.error.details).toMatchObject({ operation_status: 'stuck', owns });
  });
});

it('cancels with 202', async () => {
  const { api, auth, path } = await startedCreate();
  const { body } = await api.http.post(`${path}/cancel`).set(auth).expect(202);
  expect(body.data.operation).toMatchObject({ status: 'pending', cancel_requested: true });
});

it.each([
  ['get', ''],
  ['get', '/events'],
  ['post', '/cancel'],
] as const)('%s %s answers 404 for an unknown operation and for another user’s', async (method, rest) => {
  const { api, auth, path } = await startedCreate();
  const unknown = await api.http[method](`/api/v1/operations/7f0c1f4e-3f3c-4a55-9d2e-0a4b8c9d1e2f${rest}`)
    .set(auth)
    .expect(404);
  const foreign = await api.http[method](path + rest)
    .set(bearer(await api.signIn(juno)))
    .expect(404);
  expect([unknown.body.error.code, foreign.body.error.code]).toEqual([
    'operation_not_found',
    'operation_not_found',
  ]);
});

it.each(['nope', '7f0c1f4e-3f3c-4a55-9d2e-0a4b8c9d1e2', 'a b', 'a%2Fb', '%00', 'x'.repeat(65), "1'--"])(
  'refuses the identifier %j',
  async (id) => {
    const { api, auth } = await startedCreate();
    expect(fieldsOf(await api.http.get(`/api/v1/operations/${id}`).set(auth))).toEqual(['id']);
  },
);

it('answers 400 for a path that is not UTF-8', async () => {
  const { api, auth } = await startedCreate();
  const { body } = await api.http.get('/api/v1/operations/%E0%A4%A').set(auth).expect(400);
  expect(body.error.code).toBe('malformed_request');
});
