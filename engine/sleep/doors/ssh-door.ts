/**
 * The door of SSH: where Nginx leads sessions with hostings that sleep. It has the VM woken and then passes every byte
 * on, so that `ssh` just takes a few seconds longer. Encryption and host key are the VM's own, as ever. A session that
 * came in here stays here; later ones go to the VM directly.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Waker, Woken } from './waker';

export interface SshDoorOptions {
  readonly waker: Waker;
  /** Where the VM's SSH is. @default 22 */
  readonly port?: number;
  /** @default 60_000 */
  readonly wakeMs?: number;
}

/** Nginx sends its line at once. */
const lineMs = 5_000;
/** Clients of SSH speak first; one that waits for the server to do so is woken for, too. Who only knocks is not. */
const firstWordMs = 2_000;
const connectMs = 10_000;
const mostWaiting = 128;
const mostWaitingOfOne = 8;
const mostSessions = 1024;
/** More before SSH has answered is not the beginning of a session. */
const mostBytes = 16 * 1024;

export function sshDoor({ waker, port = 22, wakeMs = 60_000 }: SshDoorOptions): Server {
  /** Port -> sessions that wait for its VM. */
  const waiting = new Map<number, number>();
  const all = (): number => [...waiting.values()].reduce((sum, each) => sum + each, 0);

  const letIn = async (session: Socket): Promise<void> => {
    const { called, rest } = await readProxyLine(session);
    const ofThisOne = waiting.get(called) ?? 0;
    if (ofThisOne >= mostWaitingOfOne || all() >= mostWaiting) throw new Error('too many wait');
    waiting.set(called, ofThisOne + 1);
    try {
      const first = await readFirstWord(session, rest);
      const woken = await inTime(waker.wakePort(called), wakeMs, session);
      if (typeof woken !== 'object') throw new Error(`the VM is ${woken}`);
      passOn(session, woken.ip, port, first);
    } finally {
      const left = (waiting.get(called) ?? 1) - 1;
      if (left > 0) waiting.set(called, left);
      else waiting.delete(called);
    }
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (session) => {
    session.on('error', () => session.destroy());
    letIn(session).catch(() => session.destroy());
  });
  server.maxConnections = mostSessions;
  return server;
}

/** The PROXY protocol's first version: the last number is the port that was called. */
const proxyLine = /^PROXY (?:TCP[46] \S+ \S+ \d+ (\d{1,5})|UNKNOWN[^\r]*)\r\n/;

async function readProxyLine(session: Socket): Promise<{ called: number; rest: Buffer }> {
  const read = await readUntil(session, Buffer.alloc(0), lineMs, (text) => text.includes('\r\n'));
  const [line, port] = proxyLine.exec(read.toString('latin1')) ?? [];
  if (line === undefined || port === undefined) throw new Error('no PROXY line');
  return { called: Number(port), rest: read.subarray(line.length) };
}

/** @returns what the client has said so far; nothing when it waits for the server */
async function readFirstWord(session: Socket, rest: Buffer): Promise<Buffer> {
  const isWord = (text: string): boolean => text.length >= 'SSH-'.length;
  const first = await readUntil(session, rest, firstWordMs, isWord).catch((thrown: unknown) => {
    if (thrown instanceof Late) return thrown.read;
    throw thrown;
  });
  if (!'SSH-'.startsWith(first.toString('latin1').slice(0, 4))) throw new Error('not SSH');
  return first;
}

class Late extends Error {
  constructor(readonly read: Buffer) {
    super('nothing was said in time');
  }
}

/** Reads, and reads no further; who has hung up is an error. @throws {Late} */
function readUntil(
  session: Socket,
  before: Buffer,
  timeoutMs: number,
  enough: (text: string) => boolean,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let read = before;
    let ended = false;
    const end = (act: () => void): void => {
      ended = true;
      clearTimeout(timer);
      session.off('data', onData).off('end', onEnd).off('close', onEnd);
      session.pause();
      act();
    };
    const look = (): void => {
      if (read.length > mostBytes) end(() => reject(new Error('too much was said')));
      else if (enough(read.toString('latin1'))) end(() => resolve(read));
    };
    const onData = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      look();
    };
    const onEnd = (): void => {
      end(() => reject(new Error('hung up')));
    };
    const timer = setTimeout(() => {
      end(() => reject(new Late(read)));
    }, timeoutMs);
    session.on('data', onData).on('end', onEnd).on('close', onEnd);
    look();
    // what comes while nobody listens would be lost
    if (!ended) session.resume();
  });
}

function inTime(woken: Promise<Woken>, timeoutMs: number, session: Socket): Promise<Woken | 'late'> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      resolve('late');
    }, timeoutMs);
    session.once('close', () => {
      clearTimeout(timer);
      reject(new Error('hung up'));
    });
    void woken.then((outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    });
  });
}

function passOn(session: Socket, ip: string, port: number, first: Buffer): void {
  if (session.destroyed) return;
  const vm = connect({ host: ip, port, allowHalfOpen: true, noDelay: true, keepAlive: true });
  const timer = setTimeout(() => vm.destroy(), connectMs);
  vm.once('connect', () => {
    clearTimeout(timer);
    if (first.length > 0) vm.write(first);
    vm.pipe(session);
    session.pipe(vm);
  });
  vm.on('error', () => session.destroy());
  // what the VM said last may still be on its way
  vm.on('close', () => {
    clearTimeout(timer);
    session.end();
  });
  session.on('close', () => vm.destroy());
}
