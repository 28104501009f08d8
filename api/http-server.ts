/** Listens, and stops without cutting anybody off who can be answered in time. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createApp, type AppParts } from './app';

export interface ListenAddress {
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
}

export interface HttpServer {
  readonly port: number;
  /**
   * Stops accepting, ends event streams, lets waits answer 202, and resolves when every connection is closed;
   * those still open after `graceMs` are cut. Closing twice is closing once.
   *
   * @default graceMs 10000
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Bounds for slow clients. They concern the request only: Node counts `requestTimeout` until the request has been
 * read, so an answer may take as long as an operation does and a stream may stay open.
 */
const defaultTimeouts = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 20_000 };

/** Milliseconds. */
export interface RequestTimeouts {
  readonly headersTimeout?: number;
  readonly requestTimeout?: number;
  /** How often it is looked for requests that are late. */
  readonly connectionsCheckingInterval?: number;
}
const GRACE_MS = 10_000;

/** @throws the system's error (EADDRINUSE, EACCES) when the address cannot be had */
export async function startHttpServer(
  parts: Omit<AppParts, 'stopping'>,
  { host, port }: ListenAddress,
  timeouts: RequestTimeouts = {},
): Promise<HttpServer> {
  const stopping = new AbortController();
  const app = createApp({ ...parts, stopping: stopping.signal });
  const server = createServer({ ...defaultTimeouts, connectionsCheckingInterval: 5_000, ...timeouts }, app);
  server.listen(port, host);
  await once(server, 'listening');
  let closing: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs = GRACE_MS) => (closing ??= stop(server, stopping, graceMs)),
  };
}

async function stop(server: Server, stopping: AbortController, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  stopping.abort();
  // Connections that finish their request after close() would otherwise idle until keepAliveTimeout.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  try {
    await closed;
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
