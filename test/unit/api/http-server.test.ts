import http from 'node:http';
import net from 'node:net';
import { startHttpServer, type HttpServer } from '../../../api/http-server';
import { fakeEngine } from '../../fakes/fake-engine';
import { mina } from './harness';

const running: HttpServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close(0);
});

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function start(engine = fakeEngine({ operationsEnd: 'by-hand' })) {
  const config = { REQUEST_WAIT_SECONDS: 30 };
  const server = await startHttpServer({ engine, config, logger }, { host: '127.0.0.1', port: 0 });
  running.push(server);
  await engine.accounts.register(mina);
  const { accessToken } = await engine.accounts.login(mina);
  return {
    engine,
    server,
    url: `http://127.0.0.1:${server.port}`,
    headers: { Authorization: `Bearer ${accessToken}` },
  };
}

it('serves on the port it names, and no longer after close', async () => {
  const { server, url } = await start();
  expect((await fetch(`${url}/health`)).status).toBe(200);
  await Promise.all([server.close(), server.close()]);
  await expect(fetch(`${url}/health`)).rejects.toThrow();
});

it('listens on IPv6 as well where it listens on every address, and tells the families apart', async () => {
  const engine = fakeEngine();
  const seen: unknown[] = [];
  const noting = { ...logger, info: (line: unknown) => seen.push(line) };
  const config = { REQUEST_WAIT_SECONDS: 1 };
  const server = await startHttpServer({ engine, config, logger: noting }, { host: '0.0.0.0', port: 0 });
  running.push(server);
  for (const host of ['127.0.0.1', '[::1]'])
    expect((await fetch(`http://${host}:${server.port}/health`)).status).toBe(200);
  expect(JSON.stringify(seen)).not.toContain('::ffff:');
  await server.close(0);
  await expect(fetch(`http://[::1]:${server.port}/health`)).rejects.toThrow();
});

it('fails when the port is taken', async () => {
  const { engine, server } = await start();
  const again = startHttpServer(
    { engine, config: { REQUEST_WAIT_SECONDS: 1 }, logger },
    { host: '127.0.0.1', port: server.port },
  );
  await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

it('answers a waiting create with 202 and ends event streams before it closes', async () => {
  const { engine, server, url, headers } = await start();
  const create = fetch(`${url}/api/v1/host`, { method: 'POST', headers });
  while (engine.fakeOperations.interested < 1) await new Promise(setImmediate);
  const { id } = engine.fakeOperations.latest();
  const stream = await fetch(`${url}/api/v1/operations/${id}/events`, { headers });
  const started = Date.now();
  const closed = server.close();
  const response = await create;
  expect(response.status).toBe(202);
  expect(response.headers.get('location')).toBe(`/api/v1/operations/${id}`);
  expect(await stream.text()).toContain('operation.accepted');
  await closed;
  expect(Date.now() - started).toBeLessThan(2000);
  expect(engine.fakeOperations.latest().status).toBe('pending');
});

it('closes although a keep-alive client holds its connection', async () => {
  const { server, url } = await start();
  const agent = new http.Agent({ keepAlive: true });
  await new Promise<void>((resolve) => {
    http.get(`${url}/health`, { agent }, (response) => response.resume().on('end', resolve));
  });
  const started = Date.now();
  await server.close();
  expect(Date.now() - started).toBeLessThan(2000);
  agent.destroy();
});

it('cuts who does not finish within the grace', async () => {
  const { server } = await start();
  const slow = net.connect(server.port, '127.0.0.1');
  await new Promise((resolve) => slow.once('connect', resolve));
  slow.write(
    'POST /api/v1/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  const cut = new Promise((resolve) => slow.once('close', resolve));
  slow.on('error', () => undefined);
  const started = Date.now();
  await server.close(100);
  await cut;
  expect(Date.now() - started).toBeGreaterThanOrEqual(90);
});

it('bounds how long a request may take to arrive', () => {
  const created = jest.spyOn(http, 'createServer');
  return start().then(() => {
    expect(created).toHaveBeenCalledWith(
      expect.objectContaining({ headersTimeout: 5_000, requestTimeout: 30_000 }),
      expect.anything(),
    );
    created.mockRestore();
  });
});
