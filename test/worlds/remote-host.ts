/**
 * One fake host for several processes: it lives in the test, as libvirt and Nginx live on the machine, and whoever
 * works on it may be killed. Each call travels over a Unix socket, and takes a while.
 */
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, toEngineError, type ErrorCode } from '../../engine/base/errors';
import type { Parts } from '../../engine/durable';
import type { FakeHost } from '../fakes/fake-host';

const partNames = [
  'synthesizer',
  'terraform',
  'inventory',
  'isolation',
  'nodeCare',
  'guest',
  'agent',
  'proxy',
  'virtualization',
] as const;
type RemoteParts = Pick<Parts, (typeof partNames)[number]>;
type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

interface Answer {
  readonly result?: unknown;
  readonly error?: { code: ErrorCode; message: string; retryable: boolean };
}

/** @param latencyMs  of each call */
export async function serveHost(host: FakeHost, socket: string, latencyMs: number): Promise<http.Server> {
  const parts = host as unknown as Record<string, Methods>;
  const answer = async (target: string, body: string): Promise<Answer> => {
    const [, part = '', method = ''] = target.split('/');
    await delay(latencyMs);
    try {
      return { result: await parts[part]?.[method]?.(...(JSON.parse(body) as unknown[])) };
    } catch (thrown) {
      const { code, message, retryable } = toEngineError(thrown);
      return { error: { code, message, retryable } };
    }
  };
  const server = http.createServer((request, response) => {
    if (request.method === 'GET') {
      const names = partNames.map((part) => [part, Object.keys(parts[part] ?? {})]);
      return void response.end(JSON.stringify(Object.fromEntries(names)));
    }
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      void answer(request.url ?? '', body).then((found) => response.end(JSON.stringify(found)));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return server;
}

/** The same host from another process. */
export async function remoteHost(socket: string): Promise<RemoteParts> {
  const names = (await ask(socket, 'GET', '/')) as Record<string, string[]>;
  const parts = Object.entries(names).map(([part, methods]) => {
    const calls = methods.map((method) => [
      method,
      async (...args: unknown[]) => {
        const { result, error } = (await ask(socket, 'POST', `/${part}/${method}`, args)) as Answer;
        if (error === undefined) return result;
        throw new EngineError(error.code, error.message, { retryable: error.retryable });
      },
    ]);
    return [part, Object.fromEntries(calls) as Methods];
  });
  return Object.fromEntries(parts) as RemoteParts;
}

/** Signals and listeners stay where they are. */
function ask(socket: string, method: string, target: string, args?: unknown[]): Promise<unknown> {
  const body = JSON.stringify(args ?? [], (_, value: unknown) =>
    value instanceof AbortSignal ? undefined : value,
  );
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: socket, path: target, method }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(JSON.parse(text)));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(method === 'POST' ? body : undefined);
  });
}
