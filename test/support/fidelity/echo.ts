/** A guest's application: it remembers what it was asked, and answers what the case says. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Case, keyOf } from './case';
import { type Message, pauseMs, valueOf, Wire } from './wire';

export interface Echo {
  readonly port: number;
  /** What it was asked by the exchange of this number; null when nothing of it arrived. */
  asked(exchange: number): Message | null;
  close(): Promise<void>;
}

export async function openEcho(address: string, port: number, cases: readonly Case[]): Promise<Echo> {
  const asked = new Map<number, Message>();
  const sockets = new Set<Socket>();
  const byKey = new Map(cases.map((each) => [keyOf(each), each]));
  const serve = async (socket: Socket): Promise<void> => {
    const wire = new Wire(socket);
    const head = await wire.head();
    if (valueOf(head.headers, 'expect') !== undefined) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    const message = await wire.rest(head, 'may have a body');
    const [exchange = '', name = ''] = (valueOf(head.headers, 'x-case') ?? '').split(' ');
    asked.set(Number(exchange), message);
    const parts = byKey.get(decodeURIComponent(name))?.answer(message) ?? [];
    for (const [index, part] of parts.entries()) {
      if (index > 0) await delay(2 * pauseMs);
      socket.write(part, 'latin1');
    }
    if (parts[0]?.startsWith('HTTP/1.1 101') === true) socket.write(await wire.take('ping'.length));
    socket.end();
  };
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)));
    serve(socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked: (exchange) => asked.get(exchange) ?? null,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
