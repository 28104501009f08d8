/**
 * Connections on which a request has begun and does not end, and those that wait for one. They cost their sender nothing,
 * and each holds a descriptor and memory here: beyond a number, the oldest of whoever has most are closed. Node's time-outs
 * close the others.
 *
 * One whose request is being answered is none of them: event streams stay open for as long as they like.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf } from '../engine';

export interface UnfinishedLimits {
  /** Of one IPv4 address or one /64. @default 100 */
  readonly perNetwork?: number;
  /** Of all together. @default 1000 */
  readonly inAll?: number;
  /**
   * So many times as many may be open without a request: a proxy keeps some for the next. What is sent right behind a
   * request, and does not end, looks like one of these. @default 5
   */
  readonly quiet?: number;
  /** Milliseconds that each may take without being counted, and between two looks. @default 1000 */
  readonly graceMs?: number;
}

interface Waiting {
  readonly network: string;
  readonly since: number;
  /** Bytes that had come when the last request was over; what comes beyond belongs to the next. */
  readonly bytesBefore: number;
}

/** Nothing has ended on it yet, or what has been answered was not read to its end. */
const nothingEnded = -1;

export function boundUnfinished(
  server: Server,
  { perNetwork = 100, inAll = 1_000, quiet = 5, graceMs = 1_000 }: UnfinishedLimits = {},
): void {
  const waiting = new Map<Socket, Waiting>();
  const answering = new WeakMap<Socket, number>();
  const wait = (socket: Socket, bytesBefore: number): void => {
    const network = networkOf(socket.remoteAddress ?? '');
    if (!socket.destroyed) waiting.set(socket, { network, since: performance.now(), bytesBefore });
  };
  const forget = (socket: Socket): void => {
    waiting.delete(socket);
    answering.delete(socket);
  };
  server.on('connection', (socket: Socket) => {
    wait(socket, nothingEnded);
    socket.once('close', () => forget(socket));
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    answering.set(socket, (answering.get(socket) ?? 0) + 1);
    if (hasBody(request)) request.once('end', () => waiting.delete(socket));
    else waiting.delete(socket);
    response.once('close', () => {
      const left = (answering.get(socket) ?? 1) - 1;
      answering.set(socket, left);
      if (left === 0) wait(socket, request.complete ? socket.bytesRead : nothingEnded);
    });
  });
  const looking = setInterval(() => {
    const late = performance.now() - graceMs;
    const all = [...waiting].filter(([, { since }]) => since < late);
    const begun = all.filter(([socket, { bytesBefore }]) => socket.bytesRead > bytesBefore);
    for (const socket of tooMany(begun, perNetwork, inAll)) socket.destroy();
    const open = all.filter(([socket]) => !socket.destroyed);
    for (const socket of tooMany(open, perNetwork * quiet, inAll * quiet)) socket.destroy();
  }, graceMs);
  looking.unref();
  server.once('close', () => clearInterval(looking));
}

/** The oldest of each network beyond its number, and then of whichever has most, until few enough are left. */
function tooMany(waiting: readonly [Socket, Waiting][], perNetwork: number, inAll: number): Socket[] {
  const byNetwork = new Map<string, Socket[]>();
  for (const [socket, { network }] of waiting) {
    const known = byNetwork.get(network);
    if (known === undefined) byNetwork.set(network, [socket]);
    else known.push(socket);
  }
  const closed: Socket[] = [];
  for (const sockets of byNetwork.values())
    closed.push(...sockets.splice(0, Math.max(0, sockets.length - perNetwork)));
  for (let left = waiting.length - closed.length; left > inAll; left--) {
    const [most] = [...byNetwork.values()].sort((a, b) => b.length - a.length);
    closed.push(...(most?.splice(0, 1) ?? []));
  }
  return closed;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0;
}
