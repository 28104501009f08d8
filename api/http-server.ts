/** Listens, and stops without cutting anybody off who can be answered in time. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, ListenOptions } from 'node:net';
import { hasIpv6 } from '../engine';
import { createApp, type AppParts } from './app';
import { boundUnfinished, type UnfinishedLimits } from './unfinished';

export interface ListenAddress {
  /** `0.0.0.0` is every address, those of IPv6 too where the machine has some. */
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
const defaultTimeouts = {
  headersTimeout: 5_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 20_000,
  // Node's own 30 s would let a late one live on for as long
  connectionsCheckingInterval: 1_000,
};

/** Milliseconds. */
export interface RequestBounds {
  readonly headersTimeout?: number;
  readonly requestTimeout?: number;
  /** How often it is looked for requests that are late. */
  readonly connectionsCheckingInterval?: number;
  readonly unfinished?: UnfinishedLimits;
}

const GRACE_MS = 10_000;

/** @throws the system's error (EADDRINUSE, EACCES) when the address cannot be had */
export async function startHttpServer(
  parts: Omit<AppParts, 'stopping'>,
  { host, port }: ListenAddress,
  timeouts: RequestBounds = {},
): Promise<HttpServer> {
  const stopping = new AbortController();
  const app = createApp({ ...parts, stopping: stopping.signal });
  const listen = async (at: ListenOptions): Promise<Server> => {
    const { unfinished, ...ofNode } = timeouts;
    const server = createServer({ ...defaultTimeouts, ...ofNode }, app);
    boundUnfinished(server, unfinished);
    server.listen(at);
    await once(server, 'listening');
    return server;
  };
  const first = await listen({ host, port });
  const { port: chosen } = first.address() as AddressInfo;
  // a second one, since one for both families would give IPv4 visitors other addresses than those they have
  const servers = [first];
  if (host === '0.0.0.0' && hasIpv6())
    servers.push(
      await listen({ host: '::', port: chosen, ipv6Only: true }).catch((error: unknown) => {
        first.close();
        throw error;
      }),
    );
  let closing: Promise<void> | undefined;
  return {
    port: chosen,
    close: (graceMs = GRACE_MS) => (closing ??= stop(servers, stopping, graceMs)),
  };
}

async function stop(servers: readonly Server[], stopping: AbortController, graceMs: number): Promise<void> {
  const closed = Promise.all(servers.map((server) => once(server, 'close')));
  for (const server of servers) server.close();
  stopping.abort();
  // Connections that finish their request after close() would otherwise idle until keepAliveTimeout.
  const sweep = setInterval(() => {
    for (const server of servers) server.closeIdleConnections();
  }, 50);
  const cut = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, graceMs);
  try {
    await closed;
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
