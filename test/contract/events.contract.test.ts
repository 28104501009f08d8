/** The event bus on a real Postgres, reached through a door that the test can shut. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type EventBus, postgresEventBus } from '../../engine/durable/events';
import { createLog } from '../../engine/base/log';
import { type Database, openDatabase } from '../../engine/store/database';
import { eventChannel } from '../../engine/store/operations';
import { cloneDatabase } from '../support/postgres';

/** A TCP door before Postgres. Shut, it ends every connection at once and counts who knocks. */
class Door {
  knocks = 0;
  /** Time that passes before somebody is let in. */
  hesitationMs = 0;
  private shutNow = false;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  constructor(target: URL) {
    this.server = createServer((socket) => {
      this.knocks++;
      this.keep(socket);
      if (this.shutNow) {
        socket.destroy();
        return;
      }
      setTimeout(() => {
        const inner = this.keep(connect(Number(target.port), target.hostname));
        socket.pipe(inner).pipe(socket);
        inner.on('close', () => socket.destroy());
        socket.on('close', () => inner.destroy());
      }, this.hesitationMs);
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  shut(): void {
    this.shutNow = true;
    this.knocks = 0;
    for (const socket of this.sockets) socket.destroy();
  }

  unlock(): void {
    this.shutNow = false;
  }

  close(): void {
    this.shut();
    this.server.close();
  }

  private keep(socket: Socket): Socket {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    return socket;
  }
}

let database: Database;
let door: Door;
let bus: EventBus;
/** The database as seen through the door. */
let through: URL;

beforeEach(async () => {
  const url = new URL(await cloneDatabase());
  database = await openDatabase(url.href);
  door = new Door(url);
  through = new URL(url);
  through.port = String(await door.open());
  bus = await postgresEventBus(through.href, createLog('silent'));
});
afterEach(async () => {
  await bus.close();
  door.close();
  await database.close();
});

const notify = (id: string): Promise<unknown> =>
  database.direct.query(`SELECT pg_notify($1, $2)`, [eventChannel, id]);

async function listeners(): Promise<number> {
  const [row]: { n: number }[] = await database.direct.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'vm-webhoster events' AND datname = current_database()`,
  );
  return row?.n ?? -1;
}

async function until(condition: () => boolean | Promise<boolean>, ms = 8_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it did not come to pass');
    await delay(20);
  }
}

/** Counts how often the operation's listener is woken. */
function watch(id: string): { readonly woken: number; stop: () => void } {
  const watched = { woken: 0, stop: (): void => undefined };
  watched.stop = bus.subscribe(id, () => {
    watched.woken++;
  });
  return watched;
}

describe('the event bus', () => {
  it('the event bus wakes those who wait for the operation and nobody else, until they leave', async () => {
    const [one, two, other] = [watch('op-1'), watch('op-1'), watch('op-2')];
    await notify('op-1');
    await until(() => one.woken === 1 && two.woken === 1);
    one.stop();
    await notify('op-1');
    await until(() => two.woken === 2);
    expect([one.woken, other.woken]).toEqual([1, 0]);
    // leaving twice is leaving once
    one.stop();
    two.stop();
    await notify('op-2');
    await until(() => other.woken === 1);
    expect(two.woken).toBe(2);
  });

  it('the event bus hears of another process’s write only once it is committed', async () => {
    const one = watch('op-1');
    await database.transaction(async (tx) => {
      await tx.query(`SELECT pg_notify($1, 'op-1')`, [eventChannel]);
      await delay(150);
      expect(one.woken).toBe(0);
    });
    await until(() => one.woken === 1);
  });

  it('the event bus listens again after a lost connection and wakes everybody, since they may have missed something', async () => {
    const [one, two] = [watch('op-1'), watch('op-2')];
    await database.direct.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vm-webhoster events' AND datname = current_database()`,
    );
    await until(() => one.woken === 1 && two.woken === 1);
    await notify('op-1');
    await until(() => one.woken === 2);
    expect(two.woken).toBe(1);
  });

  it('the event bus reconnects about once a second while PostgreSQL is away, and is one listener again once it is back', async () => {
    const one = watch('op-1');
    door.shut();
    await delay(5_500);
    expect(door.knocks).toBeGreaterThanOrEqual(3);
    expect(door.knocks).toBeLessThanOrEqual(7);
    door.unlock();
    await until(() => one.woken > 0);
    // whoever else was on the way would be there by then
    await delay(1_500);
    expect(one.woken).toBe(1);
    expect(await listeners()).toBe(1);
    await notify('op-1');
    await until(() => one.woken === 2);
  });

  it.each([
    ['while it waits to reconnect', 0],
    ['while it is reconnecting', 500],
  ])('the event bus leaves no connection behind when it is closed %s', async (_, hesitationMs) => {
    door.shut();
    await delay(300);
    door.unlock();
    door.hesitationMs = hesitationMs;
    if (hesitationMs > 0) await until(() => door.knocks > 0);
    await bus.close();
    await delay(1_500);
    expect(await listeners()).toBe(0);
  });

  it('the event bus fails at once if there is no PostgreSQL at the start, and does not retry', async () => {
    door.shut();
    await bus.close();
    door.knocks = 0;
    await expect(postgresEventBus(through.href, createLog('silent'))).rejects.toThrow();
    await delay(1_500);
    expect(door.knocks).toBe(1);
  });
});
