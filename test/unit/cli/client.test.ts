/** The client against servers that answer as the service does, as others do, late, or not at all. */
import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openClient, serviceUrl } from '../../../cli/remote/client';
import { ServiceUnreachable } from '../../../cli/remote/errors';
import { readEvents, type ServerEvent } from '../../../cli/remote/event-stream';
import { followLog, followOperation } from '../../../cli/remote/follow';
import { exitCodeOf } from '../../../cli/program';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = http.createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const never = new AbortController().signal;
const clientOf = (url: string, timeoutMs = 5_000, signal = never) =>
  openClient({ url, token: 'secret-token', signal, timeoutMs });

const says = (code: string, message: string, details = {}): string =>
  JSON.stringify({ success: false, message, error: { code, details, request_id: 'r' } });

async function thrownBy(work: Promise<unknown>): Promise<Error & { code: string }> {
  return work.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (thrown: unknown) => thrown as Error & { code: string },
  );
}

describe('what the service refuses becomes a message that says what to do, and an exit code', () => {
  const fields = { fields: [{ field: 'limit', message: 'is too large' }] };
  it.each([
    [401, says('unauthorized', 'Who are you?'), /not valid.*webhoster login --url http/, 'unauthorized', 3],
    [
      403,
      says('forbidden', 'Not for you.'),
      /^Not for you\. Sign in with an account that is allowed/,
      'forbidden',
      3,
    ],
    [404, says('hosting_not_found', 'There is none.'), /^There is none$/, 'hosting_not_found', 1],
    [409, says('plan_changed', 'Changed'), /^Changed$/, 'plan_changed', 1],
    [422, says('idempotency_key_reused', 'Another body'), /^Another body$/, 'idempotency_key_reused', 1],
    [400, says('validation_failed', 'Wrong', fields), /^Wrong; limit is too large$/, 'validation_failed', 1],
    [418, says('code_of_next_year', 'Tea'), /^Tea$/, 'internal', 1],
    [429, says('too_many_requests', 'Slower.'), /^Slower\. Try again in 7 s$/, 'internal', 4],
    [
      503,
      says('libvirt_unavailable', 'libvirt is away'),
      /^libvirt is away\. Try again in 7 s$/,
      'internal',
      4,
    ],
    [500, says('internal', 'Broken'), /^Broken$/, 'internal', 1],
    [502, '<html>Bad Gateway</html>', /answered 502. Try again/, 'internal', 4],
    [
      404,
      '<html>Not Found</html>',
      /is not the API of vm-webhoster: it answered 404. Check --url/,
      'internal',
      1,
    ],
    [
      200,
      '<html>Welcome</html>',
      /is not the API of vm-webhoster: it answered 200. Check --url/,
      'internal',
      1,
    ],
    [301, '', /redirects elsewhere \(301\)/, 'internal', 1],
  ])('%i %s', async (status, body, message, code, exitCode) => {
    const url = await serve((_, response) => {
      response.writeHead(status, { 'retry-after': '7', location: 'http://127.0.0.1:9/' }).end(body);
    });
    const thrown = await thrownBy(clientOf(url).data('GET', '/auth/me'));
    expect(thrown.message).toMatch(message);
    expect([thrown.code, exitCodeOf(thrown, null)]).toEqual([code, exitCode]);
    expect(thrown.message).not.toContain('secret-token');
  });

  it('tells one who has no token from one whose token is void', async () => {
    const url = await serve((_, response) => response.writeHead(401).end(says('unauthorized', 'No')));
    const client = openClient({ url, token: null, signal: never });
    expect((await thrownBy(client.data('GET', '/auth/me'))).message).toMatch(/^Not signed in/);
  });
});

describe('a service that is not there', () => {
  it('refuses the connection', async () => {
    const url = await serve(() => undefined);
    await new Promise((resolve) => servers.pop()!.close(resolve));
    const thrown = await thrownBy(clientOf(url).data('GET', '/auth/me'));
    expect(thrown.message).toBe(
      `${url} cannot be reached: connection refused. Is the service running, and is the port right?`,
    );
    expect(exitCodeOf(thrown, null)).toBe(4);
  });

  it('has no address', async () => {
    const thrown = await thrownBy(clientOf('http://no-such-host.invalid').data('GET', '/auth/me'));
    expect(thrown.message).toMatch(/cannot be reached: the host name (does not exist|cannot be resolved)/);
    expect(thrown).toBeInstanceOf(ServiceUnreachable);
  });

  it.each([
    ['the answer', () => undefined],
    ['the rest of the answer', (response: http.ServerResponse) => void response.writeHead(200).write('{')],
  ])('does not give %s in time', async (_, begin) => {
    const url = await serve((__, response) => begin(response));
    const thrown = await thrownBy(clientOf(url, 100).data('GET', '/auth/me'));
    expect(thrown.message).toMatch(/did not answer in time/);
    expect(exitCodeOf(thrown, null)).toBe(4);
  });

  it('is silent in a stream', async () => {
    const url = await serve((_, response) => void response.writeHead(200).write(': heartbeat\n\n'));
    const thrown = await thrownBy(clientOf(url, 100).events('/x', null).next());
    expect(thrown.message).toMatch(/did not answer in time/);
  });
});

it('sends token, query and body, and nothing to where a redirect leads', async () => {
  const seen: { url?: string; authorization?: string; body: string }[] = [];
  const url = await serve((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      seen.push({ url: request.url, authorization: request.headers.authorization, body });
      response.end('{"data":{"it":1}}');
    });
  });
  const sent = { query: { a: 'x y', b: undefined }, body: { c: 2 } };
  expect(await clientOf(url).data('POST', '/z', sent)).toEqual({ it: 1 });
  expect(seen).toEqual([{ url: '/api/v1/z?a=x+y', authorization: 'Bearer secret-token', body: '{"c":2}' }]);
  const away = await serve((_, response) => response.writeHead(307, { location: `${url}/api/v1/z` }).end());
  await thrownBy(clientOf(away).data('POST', '/z', sent));
  expect(seen).toHaveLength(1);
});

it('ends with the signal, and says its reason', async () => {
  const stop = new AbortController();
  const url = await serve(() => stop.abort(new Error('stopped by SIGINT')));
  const thrown = await thrownBy(clientOf(url, 5_000, stop.signal).data('GET', '/x'));
  expect(thrown.message).toBe('stopped by SIGINT');
});

describe('events', () => {
  it('are read wherever the stream is cut, with heartbeats left out', async () => {
    const text =
      'retry: 3000\n\nid: 1\nevent: a\ndata: {"m":"☂ x"}\n\n: heartbeat\n\nevent: b\ndata: 2\n\nid: 3\ndata: cut';
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 3, 7, bytes.length]) {
      const chunks = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
      };
      const events: ServerEvent[] = [];
      for await (const event of readEvents(chunks())) events.push(event);
      expect(events).toEqual([
        { id: '1', event: 'a', data: '{"m":"☂ x"}' },
        { id: null, event: 'b', data: '2' },
      ]);
    }
  });

  /** A service whose streams are cut after each event, and which is away between them. */
  async function flaky(events: string[], status: string) {
    const asked: (string | undefined)[] = [];
    let away = 0;
    const url = await serve((request, response) => {
      if (request.url?.endsWith('/events') !== true) {
        const operation = { status: asked.length > events.length ? status : 'running', failure: null };
        response.end(JSON.stringify({ data: { operation } }));
      } else if (away++ % 3 === 1) request.socket.destroy();
      else {
        const after = request.headers['last-event-id'] as string | undefined;
        asked.push(after);
        const next = Number(after ?? 0);
        const event = events[next];
        response.writeHead(200);
        response.write(': heartbeat\n\n');
        if (event !== undefined)
          response.write(`id: ${next + 1}\nevent: e\ndata: {"message":"${event}"}\n\n`);
        if (event === undefined || next % 2 === 0) response.end();
        else setTimeout(() => request.socket.destroy(), 20);
      }
    });
    return { url, asked };
  }

  it('go on after the last one seen when the connection breaks, until the operation has ended', async () => {
    const { url, asked } = await flaky(['one', 'two', 'three'], 'succeeded');
    const told: string[] = [];
    const patience = { signal: never, comeBackMs: [1, 1, 1] };
    await followOperation(clientOf(url), 'x', patience, (message) => told.push(message));
    expect(told).toEqual(['one', 'two', 'three']);
    expect(asked).toEqual([undefined, '1', '2', '3']);
  });

  it('are given up when the service stays away', async () => {
    const url = await serve((request) => request.socket.destroy());
    const thrown = await thrownBy(followOperation(clientOf(url), 'x', { signal: never, comeBackMs: [1, 1] }));
    expect(thrown).toBeInstanceOf(ServiceUnreachable);
  });

  it('are not followed where the service refuses', async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.writeHead(404).end(says('operation_not_found', 'None'));
    });
    const thrown = await thrownBy(followOperation(clientOf(url), 'x', { signal: never, comeBackMs: [1, 1] }));
    expect([thrown.code, asked]).toEqual(['operation_not_found', 1]);
  });

  it('of a log are told once, though each connection begins from the beginning', async () => {
    let connections = 0;
    const url = await serve((request, response) => {
      if (!request.url!.endsWith('/log')) {
        response.end(JSON.stringify({ data: { run: { finished_at: connections > 2 ? 'now' : null } } }));
        return;
      }
      const said = ['ab', 'abcd', 'abcdef'][connections++] ?? '';
      response.write(`event: log\ndata: {"text":"${said.slice(0, 2)}"}\n\n`);
      response.end(said.length > 2 ? `event: log\ndata: {"text":"${said.slice(2)}"}\n\n` : undefined);
    });
    let log = '';
    for await (const text of followLog(clientOf(url), 'x', { signal: never, comeBackMs: [1, 1, 1] }))
      log += text;
    expect(log).toBe('abcdef');
  });
});

it.each([
  ['http://localhost:8000', 'http://localhost:8000'],
  ['http://localhost:8000/', 'http://localhost:8000'],
  ['https://Example.org/api/v1/', 'https://example.org'],
  ['https://example.org/hosting/', 'https://example.org/hosting'],
])('the address %s is that of %s', (given, url) => {
  expect(serviceUrl(given)).toBe(url);
});

it.each(['localhost:8000', 'nonsense', '', 'ftp://x', 'http://user:pw@x', 'http://x/?token=1'])(
  'refuses the address %s',
  (given) => {
    expect(() => serviceUrl(given)).toThrow(
      /is not the address of a service, such as http:\/\/localhost:8000/,
    );
  },
);
