/** The service's HTTP interface as functions: a bearer token, the envelope taken off, and errors that say what to do. */
import { EngineError } from '../../engine';
import { refusal, ServiceUnreachable, unreachable } from './errors';
import { readEvents, type ServerEvent } from './event-stream';

export interface ClientOptions {
  /** As `serviceUrl` gives it. */
  readonly url: string;
  readonly token: string | null;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  /** For an answer, and between two signs of life of a stream. @default 60000 */
  readonly timeoutMs?: number;
}

export interface Sent {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Client {
  readonly url: string;
  /** @returns the answer's JSON. @throws {EngineError} */
  call<T>(method: string, path: string, sent?: Sent): Promise<T>;
  /** @returns what stands under `data`. @throws {EngineError} */
  data<T>(method: string, path: string, sent?: Sent): Promise<T>;
  /** Ends with the stream; events of a stream that breaks off may be missing. @throws {EngineError} */
  events(path: string, afterId: string | null): AsyncGenerator<ServerEvent>;
}

/** @throws {EngineError} validation_failed */
export function serviceUrl(typed: string): string {
  const text = typed.trim();
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.search !== '')
    throw new EngineError(
      'validation_failed',
      `${text} is not the address of a service, such as http://localhost:8000`,
    );
  return `${url.origin}${url.pathname}`.replace(/(\/api\/v1|\/docs)?\/*$/, '');
}

export function openClient(options: ClientOptions): Client {
  const { url, token, signal, timeoutMs = 60_000 } = options;
  const call = <T>(method: string, path: string, sent: Sent = {}): Promise<T> =>
    guarded(options, async () => {
      const life = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const response = await send(options, method, path, sent, life);
      const body = await jsonOf(response);
      if (body !== null) return body as T;
      throw refusal(url, { status: response.status, body: null, retryAfter: null }, token !== null);
    });
  return {
    url,
    call,
    data: async <T>(method: string, path: string, sent?: Sent) =>
      (await call<{ data: T }>(method, path, sent)).data,
    events: (path, afterId) => events(options, path, afterId),
  };
}

/** @param life  of the request and of its answer */
async function send(
  { url, token }: ClientOptions,
  method: string,
  path: string,
  { query, body, form, headers }: Sent,
  life: AbortSignal,
): Promise<Response> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) parameters.set(name, value);
  const json = body === undefined ? undefined : JSON.stringify(body);
  const content = form === undefined ? json : new URLSearchParams(form);
  const response = await fetch(
    `${url}/api/v1${path}${parameters.size > 0 ? `?${parameters.toString()}` : ''}`,
    {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(content === undefined ? {} : { body: content }),
      // a token goes to nobody but whom it was given for
      redirect: 'manual',
      signal: life,
    },
  );
  if (response.ok) return response;
  const retryAfter = response.headers.get('retry-after');
  throw refusal(url, { status: response.status, body: await jsonOf(response), retryAfter }, token !== null);
}

/** What is not ours becomes an error of the way to the service. */
async function guarded<T>({ url, signal }: ClientOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown instanceof EngineError ? thrown : unreachable(url, thrown);
  }
}

async function* events(
  options: ClientOptions,
  path: string,
  afterId: string | null,
): AsyncGenerator<ServerEvent> {
  const silence = new AbortController();
  const give = (): void => {
    silence.abort(new DOMException('no data for too long', 'TimeoutError'));
  };
  const timer = setTimeout(give, options.timeoutMs ?? 60_000);
  try {
    const headers = {
      accept: 'text/event-stream',
      ...(afterId === null ? {} : { 'last-event-id': afterId }),
    };
    const life = AbortSignal.any([options.signal, silence.signal]);
    const { body } = await guarded(options, () => send(options, 'GET', path, { headers }, life));
    if (body === null) return;
    const read = readEvents(alive(body, () => timer.refresh()));
    for (;;) {
      const next = await guarded(options, () => read.next());
      if (next.done) return;
      if (next.value.event === 'stream.failed')
        throw new ServiceUnreachable('The service interrupted the stream. Try again in a minute');
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
  }
}

async function* alive<T>(chunks: AsyncIterable<T>, onLife: () => void): AsyncGenerator<T> {
  for await (const chunk of chunks) {
    onLife();
    yield chunk;
  }
}

async function jsonOf(response: Response): Promise<Record<string, unknown> | null> {
  const text = await response.text();
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
