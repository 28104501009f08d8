/**
 * The door of pages: where Nginx leads requests to hostings that sleep, and to those that it has not read of yet. Which
 * one it is stands in the path, and the path is Nginx's own; of the visitor's request nothing is passed on but `Accept`.
 * A browser gets a page that comes again by itself; who is no browser waits until the VM is awake, and Nginx then sends
 * the same request on to it.
 */
import http from 'node:http';
import type { Finder } from './finder';
import type { Waker, Woken } from './waker';

export interface PageDoorOptions {
  readonly waker: Waker;
  readonly find: Finder;
  /** HTML for browsers, by how the waking goes. */
  readonly pages: Readonly<Record<'waking' | 'failed', string>>;
  /** How long who is no browser waits. @default 30_000 */
  readonly patienceMs?: number;
}

/** A browser waits as long for one that is awake by now. */
const browserPatienceMs = 300;
/** More than that are not kept waiting: they are told to come again. */
const mostWaiting = 256;
const address = /^\/wake\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** Numbers and names of users as Nginx's own patterns let them through. */
const newcomer = /^\/find\/(id|name)\/([a-z0-9-]{1,63})$/;
/** As service-headers.conf has them for Nginx's own pages. */
const headers = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};

export function pageDoor({ waker, find, pages, patienceMs = 30_000 }: PageDoorOptions): http.Server {
  let waiting = 0;
  const outcome = async (hostingId: string, timeoutMs: number): Promise<Woken | 'late'> => {
    const woken = waker.wake(hostingId);
    if (waiting >= mostWaiting) return 'late';
    waiting++;
    try {
      return await inTime(woken, timeoutMs);
    } finally {
      waiting--;
    }
  };
  const lead = async (by: 'id' | 'name', value: string, response: http.ServerResponse): Promise<void> => {
    const found = await find(by, value);
    if (found === 'unknown')
      answer(response, 503, 'Hostings cannot be looked up right now; try again in a few seconds.\n', 'late');
    else if (found === null) response.writeHead(200, { 'x-accel-redirect': '@missing' }).end();
    else
      response
        .writeHead(200, { 'x-accel-redirect': '@found', 'x-vm': found.ip, 'x-name': found.username })
        .end();
  };
  const server = http.createServer((request, response) => {
    // there should be none: Nginx keeps what was sent for the VM
    request.resume();
    const [, by, value] = newcomer.exec(request.url ?? '') ?? [];
    if (by !== undefined && value !== undefined) return void lead(by as 'id' | 'name', value, response);
    const [, hostingId] = address.exec(request.url ?? '') ?? [];
    if (hostingId === undefined) return void answer(response, 404, 'Not found.\n');
    const browser = /\btext\/html\b/.test(request.headers.accept ?? '');
    void outcome(hostingId, browser ? browserPatienceMs : patienceMs).then((woken) => {
      if (typeof woken === 'object') response.writeHead(200, { 'x-accel-redirect': '@awake' }).end();
      else if (woken === 'gone') answer(response, 404, 'Not found.\n');
      else if (browser) answer(response, 503, pages[woken === 'failed' ? 'failed' : 'waking'], woken);
      else answer(response, 503, texts[woken], woken);
    });
  });
  server.headersTimeout = 10_000;
  server.maxConnections = 1024;
  return server;
}

const texts = {
  late: 'This VM is waking up; try again in a few seconds.\n',
  failed: 'This VM cannot be woken right now; try again in a minute.\n',
};
const retryAfter = { late: '2', failed: '15' };

function answer(
  response: http.ServerResponse,
  status: number,
  text: string,
  why?: keyof typeof retryAfter,
): void {
  const type = text.startsWith('<') ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8';
  const again = why === undefined ? {} : { 'retry-after': retryAfter[why] };
  response.writeHead(status, { ...headers, ...again, 'content-type': type }).end(text);
}

function inTime(woken: Promise<Woken>, timeoutMs: number): Promise<Woken | 'late'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve('late');
    }, timeoutMs);
    void woken.then((outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    });
  });
}
