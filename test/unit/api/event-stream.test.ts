import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatEvent } from '../../../api/event-stream';
import { bearer, fieldsOf, startApi, type ApiOptions } from './harness';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  // The newest first: a server closes only after its clients.
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function startedCreate(options: ApiOptions = {}) {
  const api = startApi({ operationsEnd: 'by-hand', ...options });
  const auth = bearer(await api.signIn());
  await api.http
    .post('/api/v1/host')
    .set({ ...auth, Prefer: 'respond-async' })
    .expect(202);
  const operations = api.engine.fakeOperations;
  const { id } = operations.latest();
  const server = http.createServer(api.handle).listen(0);
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const follow = (headers: Record<string, string> = {}) =>
    open({ port, path: `/api/v1/operations/${id}/events`, headers: { ...auth, ...headers } });
  return { api, auth, operations, id, follow };
}

function open(options: http.RequestOptions) {
  const client = http.get(options);
  const stream = { text: '', ended: false, status: 0, headers: {} as http.IncomingHttpHeaders, client };
  client.on('error', () => undefined);
  client.on('response', (response) => {
    Object.assign(stream, { status: response.statusCode, headers: response.headers });
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (stream.text += chunk));
    response.on('end', () => (stream.ended = true));
    response.on('error', () => undefined);
  });
  cleanups.push(async () => client.destroy());
  return stream;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 3000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not happen within 3 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

it('sends past events, then live ones, and ends with the operation', async () => {
  const { operations, id, follow } = await startedCreate();
  const stream = follow();
  await until(() => stream.text.includes('operation.accepted'));
  expect(stream.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  expect(stream.text).not.toContain('step.running');
  const live = operations.emit(id, 'step.running', 'Applying\nnow', { stepName: 'apply' });
  await until(() => stream.text.includes('step.running'));
  expect(stream.ended).toBe(false);
  expect(stream.text).toContain(
    `id: ${live.id}\nevent: step.running\ndata: ${JSON.stringify({
      operation_id: id,
      at: live.at.toISOString(),
      type: 'step.running',
      message: 'Applying\nnow',
      data: { step_name: 'apply' },
    })}\n\n`,
  );
  operations.end(id);
  await until(() => stream.ended);
  const events = stream.text.match(/^event: .*/gm);
  expect(events?.slice(0, 3)).toEqual([
    'event: operation.accepted',
    'event: step.running',
    'event: operation.running',
  ]);
  expect(events?.at(-1)).toBe('event: operation.succeeded');
});

it('carries on after Last-Event-ID', async () => {
  const { operations, id, follow } = await startedCreate();
  const seen = operations.emit(id, 'step.running', 'one');
  operations.emit(id, 'step.done', 'two');
  const stream = follow({ 'Last-Event-ID': seen.id });
  await until(() => stream.text.includes('step.done'));
  expect(stream.text).not.toContain('step.running');
});

it('tells a client that has seen the end not to come back', async () => {
  const { api, auth, operations, id } = await startedCreate();
  operations.end(id);
  const last = operations.emit(id, 'operation.succeeded', 'the last');
  const path = `/api/v1/operations/${id}/events`;
  await api.http
    .get(path)
    .set({ ...auth, 'Last-Event-ID': last.id })
    .expect(204, '');
  const missed = await api.http
    .get(path)
    .set({ ...auth, 'Last-Event-ID': String(Number(last.id) - 1) })
    .expect(200);
  expect(missed.text).toContain('the last');
});

it.each(['', 'a b', '-1', '1.5', 'x', '9'.repeat(19)])('refuses the Last-Event-ID %j', async (value) => {
  const { api, auth, id } = await startedCreate();
  const response = await api.http
    .get(`/api/v1/operations/${id}/events`)
    .set({ ...auth, 'Last-Event-ID': value });
  expect(fieldsOf(response)).toEqual(['last-event-id']);
});

it('keeps an idle stream open with comments', async () => {
  const { follow } = await startedCreate({ heartbeatMs: 20 });
  const stream = follow();
  await until(() => (stream.text.match(/^: heartbeat$/gm) ?? []).length >= 2);
});

it('lets go of the source when the client goes away', async () => {
  const { operations, follow } = await startedCreate();
  const stream = follow();
  await until(() => operations.interested === 1);
  stream.client.destroy();
  await until(() => operations.interested === 0);
});

it('ends streams when the server stops', async () => {
  const stopping = new AbortController();
  const { operations, follow } = await startedCreate({ stopping: stopping.signal });
  const stream = follow();
  await until(() => operations.interested === 1);
  stopping.abort();
  await until(() => stream.ended && operations.interested === 0);
});

it('says so in the stream when its source breaks, and leaks nothing', async () => {
  const { api, follow } = await startedCreate();
  api.engine.operations.events = async function* () {
    yield* [];
    throw new Error('secret: connection to /var/run/postgres lost');
  };
  const stream = follow();
  await until(() => stream.ended);
  expect(stream.text).toContain(
    'event: stream.failed\ndata: {"message":"An internal error occurred","code":"internal"',
  );
  expect(stream.text).not.toContain('secret');
  await until(() => api.log.at(-1)?.level === 'error');
});

it('answers HEAD without waiting for the operation', async () => {
  const { api, auth, id, operations } = await startedCreate();
  const { headers } = await api.http.head(`/api/v1/operations/${id}/events`).set(auth).expect(200);
  expect(headers['content-type']).toContain('text/event-stream');
  expect(operations.interested).toBe(0);
});

it('formatEvent lets no line break forge a field', () => {
  const text = formatEvent({ id: '1\ndata: x', event: 'a\r\nid: 9', data: 'x\ny' });
  expect(text).toBe('id: 1 data: x\nevent: a  id: 9\ndata: "x\\ny"\n\n');
});
