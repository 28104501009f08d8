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
export function serviceUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.search !== '')
    throw new EngineError(
      'validation_failed',
      `${text} is no address of a service. It looks like http://localhost:8000`,
    );
  return `${url.origin}${url.pathname}`.replace(/(\/api\/v1)?\/*$/, '');
}

export function openClient({ url, token, signal, timeoutMs = 60_000 }: ClientOptions): Client {
  const send = async (
    method: string,
    path: string,
    { query, body, form, headers }: Sent,
    life: AbortSignal,
  ) => {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {}))
      if (value !== undefined) parameters.set(name, value);
    const asked = parameters.size > 0 ? `?${parameters.toString()}` : '';
    const content =
      form !== undefined ? new URLSearchParams(form) : body === undefined ? undefined : JSON.stringify(body);
    const response = await fetch(`${url}/api/v1${path}${asked}`, {
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
    });
    if (response.ok) return response;
    const answer = {
      status: response.status,
      body: await jsonOf(response),
      retryAfter: response.headers.get('retry-after'),
    };
    throw refusal(url, answer, token !== null);
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      signal.throwIfAborted();
      throw thrown instanceof EngineError ? thrown : unreachable(url, thrown);
    }
  };
  const call = <T>(method: string, path: string, sent: Sent = {}): Promise<T> =>
    guarded(async () => {
      const response = await send(
        method,
        path,
        sent,
        AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      );
      const body = await jsonOf(response);
      if (body === null)
        throw refusal(url, { status: response.status, body: null, retryAfter: null }, token !== null);
      return body as T;
    });
  async function* events(path: string, afterId: string | null): AsyncGenerator<ServerEvent> {
    const silence = new AbortController();
    const give = (): void => {
      silence.abort(new DOMException('silent for too long', 'TimeoutError'));
    };
    const timer = setTimeout(give, timeoutMs);
    try {
      const headers = {
        accept: 'text/event-stream',
        ...(afterId === null ? {} : { 'last-event-id': afterId }),
      };
      const life = AbortSignal.any([signal, silence.signal]);
      const { body } = await guarded(() => send('GET', path, { headers }, life));
      if (body === null) return;
      const read = readEvents(alive(body, () => timer.refresh()));
      for (;;) {
        const next = await guarded(() => read.next());
        if (next.done) return;
        if (next.value.event === 'stream.failed')
          throw new ServiceUnreachable('The service lost the thread. Try again in a minute');
        yield next.value;
      }
    } finally {
      clearTimeout(timer);
    }
  }
  return {
    url,
    call,
    data: async <T>(method: string, path: string, sent?: Sent) =>
      (await call<{ data: T }>(method, path, sent)).data,
    events,
  };
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
