import { EventEmitter } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { Response } from 'express';
import { boundAtOnce } from '../../../api/at-once';
import { until } from '../../support/until';
import { bearer, mina, startApi } from './harness';
import type { Caller } from '../../../engine';

const caller = { user: { id: 7 } } as Caller;
const openResponse = (closed = false): Response =>
  Object.assign(new EventEmitter(), { closed }) as unknown as Response;

it('counts what is open, and no more', () => {
  const bound = boundAtOnce(2);
  const first = openResponse();
  bound(caller, first);
  bound(caller, openResponse());
  expect(() => {
    bound(caller, openResponse());
  }).toThrow('too_many_at_once');
  first.emit('close');
  bound(caller, openResponse());
});

it('does not count whoever has left already', () => {
  const bound = boundAtOnce(2);
  for (let count = 0; count < 5; count++) bound(caller, openResponse(true));
  bound(caller, openResponse());
  bound(caller, openResponse());
});

it('a client that often leaves before it is known keeps its place', async () => {
  const api = startApi({ config: { REQUEST_WAIT_SECONDS: 60 }, operationsEnd: 'by-hand' });
  const token = bearer(await api.signIn(mina));
  await api.http
    .post('/api/v1/host')
    .set({ ...token, Prefer: 'respond-async' })
    .expect(202);
  const { id } = api.engine.fakeOperations.latest();
  const { accounts } = api.engine;
  const authenticate = accounts.authenticate.bind(accounts);
  let waiting: (() => void)[] = [];
  let hold = true;
  accounts.authenticate = async (given) => {
    if (hold) await new Promise<void>((resolve) => waiting.push(resolve));
    return authenticate(given);
  };
  const { operations } = api.engine;
  const events = operations.events.bind(operations);
  const followed: AbortSignal[] = [];
  operations.events = (operationId, options) => {
    followed.push(options.signal);
    return events(operationId, options);
  };
  let closed = 0;
  const server = http
    .createServer((request, response) => {
      response.on('close', () => closed++);
      api.handle(request, response);
    })
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const sockets = Array.from({ length: 100 }, () => {
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
      const lines = [
        `GET /api/v1/operations/${id}/events HTTP/1.1`,
        'Host: x',
        `Authorization: ${token.Authorization}`,
      ];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      return socket;
    });
    await until(5_000, 'all have come', () => Promise.resolve(waiting.length === 100));
    for (const socket of sockets) socket.destroy();
    await until(5_000, 'all have left', () => Promise.resolve(closed === 100));
    hold = false;
    for (const go of waiting) go();
    waiting = [];
    // nothing is followed for nobody
    await until(5_000, 'all have been answered', () => Promise.resolve(followed.length === 100));
    expect(followed.filter(({ aborted }) => !aborted)).toEqual([]);
    const leave = new AbortController();
    const { status } = await fetch(`http://127.0.0.1:${port}/api/v1/operations/${id}/events`, {
      headers: token,
      signal: leave.signal,
    });
    leave.abort();
    expect(status).toBe(200);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
