import { EngineError } from '../../../engine';
import { bearer, fieldsOf, juno, startApi } from './harness';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+ mina@laptop';

describe('POST /api/v1/host', () => {
  it('answers 201 with the way in, once the hosting serves', async () => {
    const { http, signIn } = startApi();
    const token = await signIn();
    const { body } = await http.post('/api/v1/host').set(bearer(token)).expect(201);
    expect(body).toMatchObject({
      success: true,
      message: 'Your hosting is ready',
      data: {
        hosting: {
          vm_id: expect.stringMatching(/^vm-[0-9a-f]{8}$/),
          vm_ip: '10.90.0.10',
          ssh_port: 10001,
          status: 'running',
        },
        web_url: 'http://localhost/1/',
        subdomain_url: 'http://mina.localhost/',
        ssh_command: expect.stringMatching(/^ssh .* -p 10001 ubuntu@localhost$/),
        sftp_command: expect.stringMatching(/^sftp .* -P 10001 ubuntu@localhost$/),
        known_hosts: [expect.stringMatching(/^\[localhost\]:10001,vm-\S+ ssh-ed25519 AAAAfake$/)],
        ssh_private_key: expect.stringContaining('PRIVATE KEY'),
        operation: { kind: 'create-hosting', status: 'succeeded', failure: null },
      },
    });
  });

  it('hands the public key over trimmed, and then makes no private one', async () => {
    const { engine, http, signIn } = startApi();
    const token = await signIn();
    const { body } = await http
      .post('/api/v1/host')
      .set(bearer(token))
      .send({ ssh_public_key: `${key}\n` })
      .expect(201);
    expect(engine.lastCreate()).toEqual({ sshPublicKey: key, idempotencyKey: undefined });
    expect(body.data).not.toHaveProperty('ssh_private_key');
  });

  it('refuses a second hosting with 409', async () => {
    const { http, signIn } = startApi();
    const token = await signIn();
    await http.post('/api/v1/host').set(bearer(token)).send({}).expect(201);
    const { body } = await http.post('/api/v1/host').set(bearer(token)).send({}).expect(409);
    expect(body.error.code).toBe('quota_exceeded');
  });

  it.each([
    [{ ssh_public_key: 42 }, 'ssh_public_key'],
    [{ ssh_public_key: null }, 'ssh_public_key'],
    [{ ssh_public_key: '' }, 'ssh_public_key'],
    [{ ssh_public_key: `${key}\n${key}` }, 'ssh_public_key'],
    [{ ssh_public_key: 'k'.repeat(16 * 1024 + 1) }, 'ssh_public_key'],
    [{ ssh_key: key }, 'ssh_key'],
    [{ memory_mib: 65536 }, 'memory_mib'],
    [[], 'body'],
  ])('refuses the body %#', async (body, field) => {
    const { engine, http, signIn } = startApi();
    const token = await signIn();
    expect(fieldsOf(await http.post('/api/v1/host').set(bearer(token)).send(body))).toEqual([field]);
    expect(engine.lastCreate()).toBeUndefined();
  });

  it('gives the same hosting for the same Idempotency-Key, and refuses the key with another body', async () => {
    const { engine, http, signIn } = startApi();
    const token = await signIn();
    const create = (body: object) =>
      http
        .post('/api/v1/host')
        .set({ ...bearer(token), 'Idempotency-Key': 'k 1' })
        .send(body);
    const first = await create({}).expect(201);
    const again = await create({}).expect(201);
    expect(engine.lastCreate()?.idempotencyKey).toBe('k 1');
    expect(again.body.data.hosting.id).toBe(first.body.data.hosting.id);
    expect(again.body.data).not.toHaveProperty('ssh_private_key');
    const other = await create({ ssh_public_key: key }).expect(422);
    expect(other.body.error.code).toBe('idempotency_key_reused');
  });

  it.each(['', 'k'.repeat(256), 'k\tx', 'kéy'])('refuses the Idempotency-Key %#', async (value) => {
    const { http, signIn } = startApi();
    const headers = { ...bearer(await signIn()), 'Idempotency-Key': value };
    expect(fieldsOf(await http.post('/api/v1/host').set(headers))).toEqual(['idempotency-key']);
  });

  it.each([
    ['apply_failed', 502],
    ['guest_unreachable', 504],
    ['plan_refused', 500],
    ['cancelled', 409],
  ] as const)('answers what the operation failed with: %s is %i', async (code, status) => {
    const { engine, http, signIn } = startApi({ operationsEnd: 'by-hand' });
    const pending = http
      .post('/api/v1/host')
      .set(bearer(await signIn()))
      .then((response) => response);
    while (engine.fakeOperations.interested === 0) await new Promise(setImmediate);
    const { id } = engine.fakeOperations.latest();
    engine.fakeOperations.end(id, { status: 'failed', failure: { code, message: 'What went wrong' } });
    const response = await pending;
    expect(response.status).toBe(status);
    expect(response.body).toMatchObject({
      success: false,
      message: 'What went wrong',
      error: { code, details: { operation_id: id, operation_status: 'failed' } },
    });
  });

  it('answers 500 for an operation that is stuck without a reason', async () => {
    const { engine, http, signIn } = startApi({ operationsEnd: 'by-hand' });
    const pending = http
      .post('/api/v1/host')
      .set(bearer(await signIn()))
      .then((response) => response);
    while (engine.fakeOperations.interested === 0) await new Promise(setImmediate);
    engine.fakeOperations.end(engine.fakeOperations.latest().id, { status: 'stuck', failure: null });
    const { status, body } = await pending;
    expect([status, body.error.code, body.error.details.operation_status]).toEqual([
      500,
      'internal',
      'stuck',
    ]);
  });
});

describe('/api/v1/host/my', () => {
  it('shows the hosting, without a private key', async () => {
    const { http, signIn } = startApi();
    const token = await signIn();
    await http.post('/api/v1/host').set(bearer(token)).expect(201);
    const { body } = await http.get('/api/v1/host/my').set(bearer(token)).expect(200);
    expect(body.data.hosting).toMatchObject({
      status: 'running',
      memory_mib: 1024,
      vcpus: 1,
      disk_gib: 20,
      failure: null,
    });
    expect(body.data.ssh_command).toMatch(/^ssh .* -p 10001 ubuntu@localhost$/);
    expect(body.data).not.toHaveProperty('ssh_private_key');
  });

  it.each(['get', 'delete'] as const)('%s answers 404 when there is no hosting', async (method) => {
    const { http, signIn } = startApi();
    const { body } = await http[method]('/api/v1/host/my')
      .set(bearer(await signIn()))
      .expect(404);
    expect(body).toMatchObject({ success: false, error: { code: 'hosting_not_found' } });
  });

  it('is the caller’s own and nobody else’s', async () => {
    const { http, signIn } = startApi();
    await http
      .post('/api/v1/host')
      .set(bearer(await signIn()))
      .expect(201);
    const other = bearer(await signIn(juno));
    await http.get('/api/v1/host/my').set(other).expect(404);
    await http.delete('/api/v1/host/my').set(other).expect(404);
  });

  it('delete answers 200 with what was removed, and then it is gone', async () => {
    const { http, signIn } = startApi();
    const auth = bearer(await signIn());
    const created = await http.post('/api/v1/host').set(auth).expect(201);
    const { body } = await http.delete('/api/v1/host/my').set(auth).expect(200);
    expect(body.data.hosting).toMatchObject({ vm_id: created.body.data.hosting.vm_id, status: 'deleted' });
    expect(body.data.operation).toMatchObject({ kind: 'delete-hosting', status: 'succeeded' });
    await http.get('/api/v1/host/my').set(auth).expect(404);
    await http.post('/api/v1/host').set(auth).expect(201);
  });

  it('delete answers what the removal failed with', async () => {
    const { engine, http, signIn } = startApi({ documented: false });
    const auth = bearer(await signIn());
    await http.post('/api/v1/host').set(auth).expect(201);
    engine.break('delete', new EngineError('apply_failed', 'The volume is still in use'));
    const { body } = await http.delete('/api/v1/host/my').set(auth).expect(502);
    expect(body.message).toBe('The volume is still in use');
  });
});

describe('POST /api/v1/host/my/wake', () => {
  it('wakes a hosting that sleeps and waits for it; one that is awake stays so', async () => {
    const { engine, http, signIn } = startApi();
    const token = await signIn();
    await http.post('/api/v1/host').set(bearer(token)).send({}).expect(201);
    engine.alter('mina', { status: 'sleeping' });
    expect((await http.get('/api/v1/host/my').set(bearer(token))).body.data.hosting.status).toBe('sleeping');
    const woken = await http.post('/api/v1/host/my/wake').set(bearer(token)).expect(200);
    expect(woken.body).toMatchObject({
      message: 'Your hosting is awake',
      data: { hosting: { status: 'running' }, operation: { kind: 'wake-hosting', status: 'succeeded' } },
    });
    const again = await http.post('/api/v1/host/my/wake').set(bearer(token)).expect(200);
    expect(again.body.data).toMatchObject({ hosting: { status: 'running' }, operation: null });
  });

  it('tells who has no hosting', async () => {
    const { http, signIn } = startApi();
    const token = await signIn();
    await http.post('/api/v1/host/my/wake').set(bearer(token)).expect(404);
  });
});
