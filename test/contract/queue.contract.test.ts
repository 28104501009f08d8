/** The queue on a real Postgres. There is no fake: tests of operations call the runner themselves. */
import { setTimeout as delay } from 'node:timers/promises';
import { createLog } from '../../engine/base/log';
import { graphileQueue } from '../../engine/durable/graphile';
import type { Queue } from '../../engine/durable/queue';
import { type Database, openDatabase } from '../../engine/store/database';
import { cloneDatabase } from '../support/postgres';

const boot = { lane: 'boots', priority: 0 } as const;
let url: string;
let database: Database;
let queue: Queue;

beforeEach(async () => {
  url = await cloneDatabase();
  database = await openDatabase(url);
  queue = open();
});
afterEach(async () => {
  await queue.stop();
  await database.close();
});

function open(): Queue {
  return graphileQueue({ connectionString: url, concurrency: 2, log: createLog('silent') });
}

async function jobs(): Promise<string[]> {
  const rows: { key: string }[] = await database.direct.query(
    `SELECT key FROM graphile_worker.jobs WHERE locked_at IS NULL ORDER BY id`,
  );
  return rows.map((row) => row.key);
}

async function until(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it did not come to pass');
    await delay(10);
  }
}

/** Takes jobs and remembers which. */
async function collect(from: Queue = queue): Promise<{ id: string; at: number }[]> {
  const seen: { id: string; at: number }[] = [];
  await from.start((id) => {
    seen.push({ id, at: performance.now() });
    return Promise.resolve();
  });
  return seen;
}

describe('the queue', () => {
  it('the queue continues after the database failed while a job ended', async () => {
    await queue.stop();
    queue = graphileQueue({ connectionString: url, concurrency: 1, log: createLog('silent') });
    const done: string[] = [];
    await queue.start(async (id) => {
      // the library gives a worker up for good when it cannot write that its job is done
      if (id === 'first')
        await database.direct.query(`ALTER TABLE graphile_worker._private_jobs RENAME TO away`);
      done.push(id);
    });
    await queue.enqueue(database.direct, 'first', boot);
    await until(() => done.includes('first') && !queue.working);
    await database.direct.query(`ALTER TABLE graphile_worker.away RENAME TO _private_jobs`);
    await until(() => queue.working);
    await queue.enqueue(database.direct, 'second', boot);
    await until(() => done.includes('second'));
  });

  it('a job exists exactly if its transaction commits', async () => {
    const rolledBack = database.transaction(async (tx) => {
      await queue.enqueue(tx, 'stack-a', boot);
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    expect(await jobs()).toEqual([]);
    await database.transaction((tx) => queue.enqueue(tx, 'stack-b', boot));
    expect(await jobs()).toEqual(['stack-b']);
  });

  it('nobody sees a job before the commit', async () => {
    const seen = await collect();
    await database.transaction(async (tx) => {
      await queue.enqueue(tx, 'stack-a', boot);
      await delay(200);
      expect(seen).toEqual([]);
    });
    await until(() => seen.length === 1);
  });

  it('a job wakes a worker at once, and is deleted when it is done', async () => {
    const seen = await collect();
    // who has just begun may not listen yet, and finds a job when it polls
    await queue.enqueue(database.direct, 'the first', boot);
    await until(() => seen.length === 1);
    const begun = performance.now();
    await database.transaction((tx) => queue.enqueue(tx, 'stack-a', boot));
    await until(() => seen.length === 2);
    expect(seen[1]?.id).toBe('stack-a');
    // LISTEN/NOTIFY; the next poll would come after 2 s
    expect(seen[1]!.at - begun).toBeLessThan(1_500);
    await until(async () => (await jobs()).length === 0);
  });

  it('the quick lane has workers of its own: it does not wait behind boots, and boots do not use them', async () => {
    const begun: string[] = [];
    let finish: () => void = () => undefined;
    const boots = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await queue.start(async (id) => {
      begun.push(id);
      if (id.startsWith('boot')) await boots;
    });
    for (const id of ['boot-1', 'boot-2', 'boot-3']) await queue.enqueue(database.direct, id, boot);
    await until(() => begun.length === 2);
    await queue.enqueue(database.direct, 'quick', { lane: 'quick', priority: 0 });
    await until(() => begun.includes('quick'));
    await delay(300);
    expect(begun.slice(0, 2).sort()).toEqual(['boot-1', 'boot-2']);
    expect(begun).not.toContain('boot-3');
    finish();
    await until(() => begun.includes('boot-3'));
  });

  it('a job does not begin before its delay is over', async () => {
    const seen = await collect();
    const begun = performance.now();
    await queue.enqueue(database.direct, 'stack-a', { ...boot, delayMs: 700 });
    await until(() => seen.length === 1);
    expect(seen[0]!.at - begun).toBeGreaterThanOrEqual(690);
  });

  it('a key has one waiting job, however often it is added, and it runs once', async () => {
    await queue.enqueue(database.direct, 'stack-a', { ...boot, delayMs: 300 });
    await queue.enqueue(database.direct, 'stack-b', boot);
    await queue.enqueue(database.direct, 'stack-a', { ...boot, delayMs: 300 });
    await queue.enqueue(database.direct, 'stack-a', boot);
    expect(await jobs()).toEqual(['stack-a', 'stack-b']);
    const seen = await collect();
    await until(() => seen.length === 2);
    await delay(500);
    expect(seen.map(({ id }) => id).sort()).toEqual(['stack-a', 'stack-b']);
  });

  it('a job added while one of the same key runs waits for its end', async () => {
    const order: string[] = [];
    let finish = (): void => undefined;
    await queue.start(async (id) => {
      order.push(`begin ${id}`);
      if (order.length === 1) await new Promise<void>((resolve) => (finish = resolve));
      order.push(`end ${id}`);
    });
    await queue.enqueue(database.direct, 'stack-a', boot);
    await until(() => order.length === 1);
    await queue.enqueue(database.direct, 'stack-a', boot);
    finish();
    await until(() => order.filter((each) => each.startsWith('end')).length === 2);
  });

  it('a failed job is retried', async () => {
    let tries = 0;
    await queue.start(() => (++tries === 1 ? Promise.reject(new Error('first try')) : Promise.resolve()));
    await queue.enqueue(database.direct, 'stack-a', boot);
    await until(() => tries === 2, 15_000);
  });

  it('a queue that stops tells running work to hand over, waits for it, and takes nothing more', async () => {
    let handedOver = false;
    let reason: unknown;
    let begun = false;
    await queue.start((_, handover) => {
      begun = true;
      return new Promise((resolve) => {
        handover.addEventListener('abort', () => {
          reason = handover.reason;
          setTimeout(() => {
            handedOver = true;
            resolve();
          }, 100);
        });
      });
    });
    await queue.enqueue(database.direct, 'stack-a', boot);
    await until(() => begun);
    expect(queue.working).toBe(true);
    await queue.stop();
    expect(handedOver).toBe(true);
    expect(reason).toMatchObject({ message: 'this worker is stopping' });
    expect(queue.working).toBe(false);
    await queue.enqueue(database.direct, 'stack-b', boot);
    await delay(300);
    expect(await jobs()).toEqual(['stack-b']);
  });

  it('a queue that stops leaves the remaining work to another worker', async () => {
    let begun = false;
    await queue.start(async (id, handover) => {
      begun = true;
      // a runner gives its stack back by a new job
      await new Promise((resolve) => {
        handover.addEventListener('abort', resolve);
      });
      await queue.enqueue(database.direct, id, boot);
    });
    await queue.enqueue(database.direct, 'stack-a', boot);
    await until(() => begun);
    await queue.stop();
    const other = open();
    try {
      const seen = await collect(other);
      await until(() => seen.length === 1);
      expect(seen[0]?.id).toBe('stack-a');
    } finally {
      await other.stop();
    }
  });

  it('a queue can be stopped twice, and without ever having worked', async () => {
    expect(queue.working).toBe(false);
    await queue.stop();
    await queue.stop();
  });
});
