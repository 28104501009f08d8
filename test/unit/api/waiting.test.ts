import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { readWaitPreference } from '../../../api/prefer';
import { bearer, startApi, type Api } from './harness';

describe('readWaitPreference', () => {
  it.each([
    [undefined, 180, undefined],
    ['', 180, undefined],
    ['wait=7', 7, 'wait=7'],
    ['WAIT = 7', 7, 'wait=7'],
    ['wait="7"', 7, 'wait=7'],
    ['wait=0', 0, 'wait=0'],
    ['wait=999999', 180, 'wait=180'],
    ['wait=3, wait=9', 3, 'wait=3'],
    ['wait=7; foo=bar', 7, 'wait=7'],
    ['return=minimal, wait=7', 7, 'wait=7'],
    ['respond-async', 0, 'respond-async'],
    ['Respond-Async, wait=5', 5, 'respond-async, wait=5'],
    ['wait=-1', 180, undefined],
    ['wait=1.5', 180, undefined],
    ['wait=1e3', 180, undefined],
    ['wait=soon', 180, undefined],
    ['wait', 180, undefined],
    ['respond-async, wait=soon', 0, 'respond-async'],
  ])('%j is %i s', (header, seconds, applied) => {
    expect(readWaitPreference(header, 180)).toEqual({ seconds, applied });
  });
});

describe('a create that has not ended', () => {
  const create = async ({ http: agent, signIn }: Api, prefer: string) =>
    agent.post('/api/v1/host').set({ ...bearer(await signIn()), Prefer: prefer });

  it.each(['respond-async', 'wait=0', 'wait=1'])('is 202 with Prefer: %s', async (prefer) => {
    const api = startApi({ operationsEnd: 'by-hand' });
    const { status, headers, body } = await create(api, prefer);
    const { id } = api.engine.fakeOperations.latest();
    expect(status).toBe(202);
    expect(headers['location']).toBe(`/api/v1/operations/${id}`);
    expect(headers['preference-applied']).toBe(prefer);
    expect(body.data.operation).toMatchObject({ id, status: 'pending' });
    expect(body.data.hosting).toMatchObject({ status: 'creating' });
    expect(body.data.ssh_private_key).toContain('PRIVATE KEY');
    expect(body.data.known_hosts).toEqual([]);
  });

  it('waits as long as configured without a preference, and never longer', async () => {
    const api = startApi({ operationsEnd: 'by-hand', config: { REQUEST_WAIT_SECONDS: 1 } });
    const auth = bearer(await api.signIn());
    const plain = await api.http.post('/api/v1/host').set(auth);
    expect([plain.status, api.engine.fakeOperations.lastTimeoutMs]).toEqual([202, 1000]);
    expect(plain.headers).not.toHaveProperty('preference-applied');
    const longer = await api.http.delete('/api/v1/host/my').set({ ...auth, Prefer: 'wait=60' });
    expect([longer.status, api.engine.fakeOperations.lastTimeoutMs]).toEqual([202, 1000]);
    expect(longer.headers['preference-applied']).toBe('wait=1');
  });

  it('does not wait at all with respond-async', async () => {
    const api = startApi({ operationsEnd: 'by-hand' });
    await create(api, 'respond-async');
    expect(api.engine.fakeOperations.lastTimeoutMs).toBeUndefined();
  });

  it('is 201 as soon as the operation succeeds, without a Location', async () => {
    const api = startApi();
    const { status, headers } = await create(api, 'wait=4');
    expect([status, headers['preference-applied'], headers['location']]).toEqual([201, 'wait=4', undefined]);
  });
});

it('a delete that has not ended is 202 with the operation', async () => {
  const api = startApi({ operationsEnd: 'by-hand' });
  const auth = bearer(await api.signIn());
  await api.http
    .post('/api/v1/host')
    .set({ ...auth, Prefer: 'respond-async' })
    .expect(202);
  const response = await api.http
    .delete('/api/v1/host/my')
    .set({ ...auth, Prefer: 'respond-async' })
    .expect(202);
  const { id } = api.engine.fakeOperations.latest();
  expect(response.headers['location']).toBe(`/api/v1/operations/${id}`);
  expect(response.body.data).toMatchObject({
    hosting: { status: 'deleting' },
    operation: { id, kind: 'delete-hosting' },
  });
});

it('a client that goes away ends the wait and not the operation', async () => {
  const api = startApi({ operationsEnd: 'by-hand' });
  const headers = bearer(await api.signIn());
  const server = http.createServer(api.handle).listen(0);
  const { port } = server.address() as AddressInfo;
  const client = http.request({ port, method: 'POST', path: '/api/v1/host', headers });
  client.on('error', () => undefined);
  client.end();
  while (api.engine.fakeOperations.interested === 0) await new Promise(setImmediate);
  client.destroy();
  while (api.engine.fakeOperations.interested > 0) await new Promise(setImmediate);
  expect(api.engine.fakeOperations.latest()).toMatchObject({ status: 'pending', cancelRequested: false });
  await new Promise((resolve) => server.close(resolve));
  expect(api.log.at(-1)).toMatchObject({ level: 'info', line: { route: '/api/v1/host', aborted: true } });
});
